#include "capture/live/frame_filter.h"

#include <pcap/pcap.h>

#include "capture/source.h"

namespace thymus::capture {
namespace {

// The numbers of LINKTYPE_ and DLT_ differ for raw IP alone of what interfaces give.
constexpr uint16_t kLinkTypeRaw = 101;

}  // namespace

Status compile_filter(const std::string& text, uint16_t link_type, std::vector<sock_filter>* out) {
  out->clear();
  if (text.empty()) return {};
  pcap_t* pcap = pcap_open_dead(link_type == kLinkTypeRaw ? DLT_RAW : link_type, kMaxFrameBytes);
  if (pcap == nullptr) return {StatusCode::kIo, "There is no memory left to compile the filter."};
  bpf_program program{};
  Status status;
  if (pcap_compile(pcap, &program, text.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    status = {StatusCode::kInvalidArgument,
              "The filter '" + text + "' cannot be used: " + pcap_geterr(pcap) + "."};
  } else {
    for (uint32_t i = 0; i < program.bf_len; ++i) {
      const bpf_insn& in = program.bf_insns[i];
      out->push_back({in.code, in.jt, in.jf, static_cast<uint32_t>(in.k)});
    }
    pcap_freecode(&program);
  }
  pcap_close(pcap);
  return status;
}

}  // namespace thymus::capture
