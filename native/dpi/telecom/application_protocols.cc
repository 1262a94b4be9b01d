// S1AP (3GPP TS 36.413) and NGAP (TS 38.413) over SCTP, in aligned PER: the outermost CHOICE.
//
//   kind (1): 00 initiating message, 20 successful outcome, 40 unsuccessful outcome
//   procedure code (1)  criticality (1): 00 reject, 40 ignore, 80 notify  length (1 or 2)  value
#include "base/generated/events/ngap.h"
#include "base/generated/events/s1ap.h"
#include "dpi/parser.h"
#include "dpi/telecom/names.h"
#include "dpi/telecom/ran_elements.h"

namespace thymus::dpi {
namespace {

constexpr uint32_t kPpidS1ap = 18, kPpidNgap = 60;
constexpr uint16_t kS1apPorts[] = {36412};
constexpr uint16_t kNgapPorts[] = {38412};
constexpr std::string_view kFirstBytes{"\x00\x20\x40", 3};

constexpr CodeName kS1apProcedures[] = {
    {0, "HandoverPreparation"},
    {1, "HandoverResourceAllocation"},
    {2, "HandoverNotification"},
    {3, "PathSwitchRequest"},
    {4, "HandoverCancel"},
    {5, "E-RABSetup"},
    {6, "E-RABModify"},
    {7, "E-RABRelease"},
    {8, "E-RABReleaseIndication"},
    {9, "InitialContextSetup"},
    {10, "Paging"},
    {11, "downlinkNASTransport"},
    {12, "initialUEMessage"},
    {13, "uplinkNASTransport"},
    {14, "Reset"},
    {15, "ErrorIndication"},
    {16, "NASNonDeliveryIndication"},
    {17, "S1Setup"},
    {18, "UEContextReleaseRequest"},
    {21, "UEContextModification"},
    {22, "UECapabilityInfoIndication"},
    {23, "UEContextRelease"},
    {24, "eNBStatusTransfer"},
    {25, "MMEStatusTransfer"},
    {29, "ENBConfigurationUpdate"},
    {30, "MMEConfigurationUpdate"},
    {34, "OverloadStart"},
    {35, "OverloadStop"},
    {36, "WriteReplaceWarning"},
    {43, "Kill"},
    {50, "E-RABModificationIndication"},
};
constexpr CodeName kNgapProcedures[] = {
    {0, "AMFConfigurationUpdate"},
    {4, "DownlinkNASTransport"},
    {9, "ErrorIndication"},
    {10, "HandoverCancel"},
    {11, "HandoverNotification"},
    {12, "HandoverPreparation"},
    {13, "HandoverResourceAllocation"},
    {14, "InitialContextSetup"},
    {15, "InitialUEMessage"},
    {20, "NGReset"},
    {21, "NGSetup"},
    {24, "Paging"},
    {25, "PathSwitchRequest"},
    {26, "PDUSessionResourceModify"},
    {28, "PDUSessionResourceRelease"},
    {29, "PDUSessionResourceSetup"},
    {35, "RANConfigurationUpdate"},
    {40, "UEContextModification"},
    {41, "UEContextRelease"},
    {42, "UEContextReleaseRequest"},
    {44, "UERadioCapabilityInfoIndication"},
    {46, "UplinkNASTransport"},
};

struct State {
  uint64_t n_messages;
};

struct Head {
  std::string_view type;
  uint8_t procedure;
  Bytes value;  // empty where it comes in fragments
};

// False when the message does not begin as one, or its length is not that of the value.
bool read_head(const Segment& segment, Head* head) {
  Reader r(segment.data);
  const uint8_t kind = r.u8();
  head->procedure = r.u8();
  const uint8_t criticality = r.u8();
  // A length below 128 takes one byte, below 16,384 two; longer ones are cut into fragments.
  const uint8_t lead = r.u8();
  size_t length = lead;
  const bool is_fragmented = (lead & 0xc0) == 0xc0;
  if (lead & 0x80) length = is_fragmented ? 0 : size_t{lead & 0x3fu} << 8 | r.u8();
  if (!r.ok() || (kind & 0x9f) != 0 || kind == 0x60 || (criticality & 0x3f) != 0) return false;
  head->type = kind == 0x00   ? "initiating_message"
               : kind == 0x20 ? "successful_outcome"
                              : "unsuccessful_outcome";
  if (is_fragmented) return true;
  head->value = r.rest();
  return segment.cut_bytes > 0 || length == r.remaining();
}

struct Protocol {
  uint16_t event_type;
  uint32_t payload_protocol;
  std::span<const uint16_t> ports;
  std::span<const CodeName> procedures;
  uint16_t type_field;
  uint16_t code_field;
  uint16_t procedure_field;
  void (*write_elements)(Bytes value, Context* context);
};
constexpr Protocol kS1apProtocol{event::kS1ap,
                                 kPpidS1ap,
                                 kS1apPorts,
                                 kS1apProcedures,
                                 event::s1ap::kType,
                                 event::s1ap::kProcedureCode,
                                 event::s1ap::kProcedure,
                                 write_s1ap_elements};
constexpr Protocol kNgapProtocol{event::kNgap,
                                 kPpidNgap,
                                 kNgapPorts,
                                 kNgapProcedures,
                                 event::ngap::kType,
                                 event::ngap::kProcedureCode,
                                 event::ngap::kProcedure,
                                 write_ngap_elements};

template <const Protocol& kProtocol>
Likelihood probe(const Segment& first) {
  Head head;
  if (!read_head(first, &head)) return Likelihood::kNo;
  if (first.payload_protocol == kProtocol.payload_protocol) return Likelihood::kLikely;
  const bool has_port = first.has_port(kProtocol.ports[0]);
  return first.payload_protocol == 0 && has_port ? Likelihood::kMaybe : Likelihood::kNo;
}

template <const Protocol& kProtocol>
Answer on_message(void* raw, const Segment& segment, Context* context) {
  auto* state = static_cast<State*>(raw);
  Head head;
  if (!read_head(segment, &head)) {
    return state->n_messages > 0 ? Answer::kAccept : Answer::kReject;
  }
  ++state->n_messages;
  EventWriter* events = context->events;
  events->begin(kProtocol.event_type);
  events->put_text(kProtocol.type_field, head.type);
  events->put(kProtocol.code_field, head.procedure);
  const std::string_view name = name_in(kProtocol.procedures, head.procedure);
  if (!name.empty()) events->put_text(kProtocol.procedure_field, name);
  kProtocol.write_elements(head.value, context);
  events->end();
  return Answer::kAccept;
}

}  // namespace

extern const Parser kS1ap;
extern const Parser kNgap;

const Parser kS1ap{
    .app = AppId::kS1ap,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = false,
    .probe = probe<kS1apProtocol>,
    .on_data = on_message<kS1apProtocol>,
    .first_bytes = kFirstBytes,
    .ports = kS1apPorts,
    .over_sctp = true,
};
const Parser kNgap{
    .app = AppId::kNgap,
    .state_bytes = sizeof(State),
    .over_tcp = false,
    .over_udp = false,
    .probe = probe<kNgapProtocol>,
    .on_data = on_message<kNgapProtocol>,
    .first_bytes = kFirstBytes,
    .ports = kNgapPorts,
    .over_sctp = true,
};

}  // namespace thymus::dpi
