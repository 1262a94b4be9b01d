// Layout, in basic encoding rules:
//
//   message [application 2, 4, 5, 7]: transaction ids, dialogue [application 11], components
//   [application 12]; a component is an invoke [1] {id, operation, parameter}, a result [2] or [7]
//   {id, {operation, parameter}}, an error [3] {id, error} or a rejection [4]
#include "dpi/telecom/tcap.h"

#include "base/generated/events/m3ua.h"
#include "dpi/ber.h"
#include "dpi/telecom/names.h"
#include "dpi/telecom/subscriber.h"

namespace thymus::dpi {
namespace {

namespace ids = event::m3ua::tcap;

constexpr int kMostComponents = 16;
constexpr int kMostParts = 8;  // of a message

constexpr CodeName kTypes[] = {
    {0x61, "unidirectional"}, {0x62, "begin"}, {0x64, "end"}, {0x65, "continue"}, {0x67, "abort"},
};
constexpr CodeName kComponents[] = {
    {0xa1, "invoke"}, {0xa2, "result"}, {0xa3, "error"}, {0xa4, "reject"}, {0xa7, "part_of_result"},
};
constexpr CodeName kMapOperations[] = {
    {2, "updateLocation"},
    {3, "cancelLocation"},
    {4, "provideRoamingNumber"},
    {6, "resumeCallHandling"},
    {7, "insertSubscriberData"},
    {8, "deleteSubscriberData"},
    {10, "registerSS"},
    {11, "eraseSS"},
    {12, "activateSS"},
    {13, "deactivateSS"},
    {14, "interrogateSS"},
    {22, "sendRoutingInfo"},
    {23, "updateGprsLocation"},
    {24, "sendRoutingInfoForGprs"},
    {25, "failureReport"},
    {26, "noteMsPresentForGprs"},
    {29, "sendEndSignal"},
    {33, "processAccessSignalling"},
    {34, "forwardAccessSignalling"},
    {37, "reset"},
    {38, "forwardCheckSS-Indication"},
    {43, "checkIMEI"},
    {44, "mt-ForwardSM"},
    {45, "sendRoutingInfoForSM"},
    {46, "mo-ForwardSM"},
    {47, "reportSM-DeliveryStatus"},
    {55, "sendIdentification"},
    {56, "sendAuthenticationInfo"},
    {57, "restoreData"},
    {58, "sendIMSI"},
    {59, "processUnstructuredSS-Request"},
    {60, "unstructuredSS-Request"},
    {61, "unstructuredSS-Notify"},
    {62, "anyTimeSubscriptionInterrogation"},
    {63, "informServiceCentre"},
    {64, "alertServiceCentre"},
    {65, "anyTimeModification"},
    {66, "readyForSM"},
    {67, "purgeMS"},
    {68, "prepareHandover"},
    {69, "prepareSubsequentHandover"},
    {70, "provideSubscriberInfo"},
    {71, "anyTimeInterrogation"},
    {72, "ss-InvocationNotification"},
    {83, "provideSubscriberLocation"},
    {85, "sendRoutingInfoForLCS"},
    {86, "subscriberLocationReport"},
    {89, "noteMM-Event"},
};

// Operations whose parameter begins with an identity.
struct FirstIdentity {
  int64_t operation;
  bool of_result;
  IdentityKind kind;
};
constexpr FirstIdentity kFirstIdentities[] = {
    {2, false, IdentityKind::kImsi},    {3, false, IdentityKind::kImsi},
    {4, false, IdentityKind::kImsi},    {7, false, IdentityKind::kImsi},
    {22, false, IdentityKind::kMsisdn}, {23, false, IdentityKind::kImsi},
    {24, false, IdentityKind::kImsi},   {43, false, IdentityKind::kImei},
    {45, false, IdentityKind::kMsisdn}, {45, true, IdentityKind::kImsi},
    {56, false, IdentityKind::kImsi},   {57, false, IdentityKind::kImsi},
    {58, false, IdentityKind::kMsisdn}, {58, true, IdentityKind::kImsi},
    {67, false, IdentityKind::kImsi},   {70, false, IdentityKind::kImsi},
};

void write_identity(IdentityKind kind, Bytes value, Context* context) {
  constexpr size_t kMostBytes = 9;
  if (value.empty() || value.size() > kMostBytes) return;
  switch (kind) {
    case IdentityKind::kImsi:
      put_identity(ids::component::kImsi, kind, tbcd(value).view(), context);
      break;
    case IdentityKind::kMsisdn:  // behind an octet that says what kind of number it is
      put_identity(ids::component::kMsisdn, kind, tbcd(value.subspan(1)).view(), context);
      break;
    case IdentityKind::kImei:
      put_identity(ids::component::kImei, kind, tbcd(value).view(), context);
      break;
  }
}

// The first element of a parameter, or the parameter itself where it holds none.
void write_first_identity(int64_t operation, bool is_result, BerReader parameters,
                          Context* context) {
  constexpr uint32_t kConstructed = 0x20;
  for (const FirstIdentity& entry : kFirstIdentities) {
    if (entry.operation != operation || entry.of_result != is_result) continue;
    BerElement element;
    if (!parameters.next(&element)) return;
    if (element.tag & kConstructed && !BerReader(element.content).next(&element)) return;
    const bool is_octets = element.tag == ber::kOctetString || element.tag == ber::context(0);
    if (is_octets) write_identity(entry.kind, element.content, context);
    return;
  }
}

void write_operation(BerReader* r, bool is_result, bool is_map, Context* context) {
  int64_t operation = 0;
  if (!r->integer(ber::kInteger, &operation)) return;
  context->events->put_signed(ids::component::kOperationCode, operation);
  if (!is_map || operation < 0 || operation > 255) return;
  const std::string_view name = name_in(kMapOperations, static_cast<uint32_t>(operation));
  if (!name.empty()) context->events->put_text(ids::component::kOperation, name);
  write_first_identity(operation, is_result, *r, context);
}

void write_component(const BerElement& component, bool is_map, Context* context) {
  constexpr uint32_t kInvoke = 0xa1, kResult = 0xa2, kError = 0xa3, kPartOfResult = 0xa7;
  const std::string_view type = name_in(kComponents, component.tag);
  if (type.empty()) return;
  EventWriter* events = context->events;
  events->open(ids::kComponent);
  events->put_text(ids::component::kType, type);
  BerReader r(component.content);
  int64_t number = 0;
  if (r.integer(ber::kInteger, &number)) {
    events->put_signed(ids::component::kInvokeId, number);
    Bytes linked;
    BerReader result;
    if (component.tag == kInvoke) {
      r.take(ber::context(0), &linked);
      write_operation(&r, false, is_map, context);
    } else if (component.tag == kResult || component.tag == kPartOfResult) {
      if (r.enter(ber::kSequence, &result)) write_operation(&result, true, is_map, context);
    } else if (component.tag == kError && r.integer(ber::kInteger, &number)) {
      events->put_signed(ids::component::kErrorCode, number);
    }
  }
  events->close();
}

// "0.4.0.0.1.0.1.3"
TextBuilder<96> oid_text(Bytes content) {
  TextBuilder<96> out;
  uint64_t arc = 0;
  for (size_t i = 0; i < content.size(); ++i) {
    arc = arc << 7 | (content[i] & 0x7f);
    if (content[i] & 0x80) continue;
    if (out.empty()) {
      const uint64_t first = std::min<uint64_t>(arc / 40, 2);
      out.add_number(first).add('.').add_number(arc - first * 40);
    } else {
      out.add('.').add_number(arc);
    }
    arc = 0;
  }
  return out;
}

// External [UNIVERSAL 8] {id, [0] {request or response {version, [1] {context}}}}.
void write_application_context(BerReader dialogue, EventWriter* events) {
  constexpr uint32_t kExternal = 0x28, kRequest = 0x60, kResponse = 0x61;
  BerReader external, single, apdu, name;
  Bytes skipped, oid;
  if (!dialogue.enter(kExternal, &external) || !external.take(ber::kOid, &skipped)) return;
  if (!external.enter(ber::context_constructed(0), &single)) return;
  if (!single.enter(kRequest, &apdu) && !single.enter(kResponse, &apdu)) return;
  apdu.take(ber::context(0), &skipped);
  if (!apdu.enter(ber::context_constructed(1), &name) || !name.take(ber::kOid, &oid)) return;
  events->put_text(ids::kApplicationContext, oid_text(oid).view());
}

}  // namespace

void write_tcap(Bytes message, bool is_map, Context* context) {
  constexpr uint32_t kDialogue = 0x6b, kComponentPortion = 0x6c;
  BerReader outer(message);
  BerElement whole;
  if (!outer.next(&whole)) return;
  const std::string_view type = name_in(kTypes, whole.tag);
  if (type.empty()) return;
  EventWriter* events = context->events;
  events->open(event::m3ua::kTcap);
  events->put_text(ids::kType, type);
  BerReader parts(whole.content);
  BerElement part;
  for (int i = 0; i < kMostParts && parts.next(&part); ++i) {
    if (part.tag == kDialogue) write_application_context(BerReader(part.content), events);
    if (part.tag != kComponentPortion) continue;
    BerReader components(part.content);
    BerElement component;
    for (int k = 0; k < kMostComponents && components.next(&component); ++k) {
      write_component(component, is_map, context);
    }
  }
  events->close();
}

}  // namespace thymus::dpi
