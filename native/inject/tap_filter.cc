#include "inject/tap_filter.h"

#include <algorithm>
#include <cassert>

#include "decode/numbers.h"

namespace thymus::inject {
namespace {

using decode::ip_protocol::kIcmpV6, decode::ip_protocol::kTcp, decode::ip_protocol::kUdp;

constexpr uint16_t kLoadX = BPF_LDX | BPF_W | BPF_IMM, kLoadAt16 = BPF_LD | BPF_H | BPF_ABS,
                   kLoadFrom8 = BPF_LD | BPF_B | BPF_IND, kLoadFrom32 = BPF_LD | BPF_W | BPF_IND,
                   kIfEqual = BPF_JMP | BPF_JEQ | BPF_K, kJump = BPF_JMP | BPF_JA,
                   kReturn = BPF_RET | BPF_K;

class Program {
 public:
  void add(uint16_t code, uint32_t k, uint8_t if_true = 0, uint8_t if_false = 0) {
    code_.push_back({code, if_true, if_false, k});
  }
  // Returns where it stands, for land().
  size_t jump() {
    add(kJump, 0);
    return code_.size() - 1;
  }
  // The next instruction is where the jump goes.
  void land(size_t jump) { code_[jump].k = static_cast<uint32_t>(code_.size() - jump - 1); }
  void take_if(uint32_t value) {
    add(kIfEqual, value, 0, 1);
    add(kReturn, kHeadBytes);
  }
  void leave_if(uint32_t value) {
    add(kIfEqual, value, 0, 1);
    add(kReturn, 0);
  }
  void leave() { add(kReturn, 0); }
  std::vector<sock_filter> code() && { return std::move(code_); }

 private:
  std::vector<sock_filter> code_;
};

// The last 32 bits of the hosts of one IP version, each once.
std::vector<uint32_t> tails(std::span<const ResetTarget> targets, bool of_v4) {
  std::vector<uint32_t> out;
  for (const ResetTarget& target : targets) {
    if (target.host.is_v4() == of_v4) out.push_back(target.host.v4_host_order());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// X holds where the IP header begins.
void take_addresses(Program& program, const std::vector<uint32_t>& hosts, uint32_t source,
                    uint32_t destination) {
  for (const uint32_t at : {source, destination}) {
    program.add(kLoadFrom32, at);
    for (const uint32_t host : hosts) program.take_if(host);
  }
  program.leave();
}

}  // namespace

std::vector<sock_filter> tap_filter(std::span<const ResetTarget> targets) {
  assert(targets.size() <= kMostTargets);
  constexpr uint32_t kType = 12, kHeader = 14, kTagBytes = 4;
  Program program;
  program.add(kLoadX, kHeader);
  program.add(kLoadAt16, kType);
  program.add(kIfEqual, decode::ethertype::kVlan, 1, 0);
  program.add(kIfEqual, decode::ethertype::kServiceVlan, 0, 2);
  program.add(kLoadX, kHeader + kTagBytes);
  program.add(kLoadAt16, kType + kTagBytes);
  program.add(kIfEqual, decode::ethertype::kIpv4, 0, 1);
  const size_t to_v4 = program.jump();
  program.add(kIfEqual, decode::ethertype::kIpv6, 0, 1);
  const size_t to_v6 = program.jump();
  program.leave();

  constexpr uint32_t kV4Protocol = 9, kV4Source = 12, kV4Destination = 16;
  program.land(to_v4);
  program.add(kLoadFrom8, kV4Protocol);
  program.add(kIfEqual, kTcp, 1, 0);
  program.leave();
  take_addresses(program, tails(targets, true), kV4Source, kV4Destination);

  constexpr uint32_t kV6Next = 6, kV6SourceTail = 20, kV6DestinationTail = 36;
  program.land(to_v6);
  program.add(kLoadFrom8, kV6Next);
  program.leave_if(kUdp);
  program.leave_if(kIcmpV6);
  take_addresses(program, tails(targets, false), kV6SourceTail, kV6DestinationTail);
  return std::move(program).code();
}

}  // namespace thymus::inject
