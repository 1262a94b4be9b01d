// The target of a call: [scheme://host] /service/version/resource[?query]. A service's name begins
// with "n" and the function that offers it: nudm-sdm, nsmf-pdusession.
#include "dpi/sbi.h"

#include "base/generated/events/http.h"
#include "dpi/identity.h"
#include "dpi/text.h"

namespace thymus::dpi {
namespace {

namespace ids = event::http;

constexpr std::string_view kFunctions[] = {
    "amf",  "ausf", "bsf",  "chf",    "dccf",  "easdf",  "eir",  "gmlc",  "hss", "lmf",
    "mbsf", "mfaf", "nef",  "nrf",    "nsacf", "nssaaf", "nssf", "nwdaf", "pcf", "scp",
    "sepp", "smf",  "smsf", "tsctsf", "udm",   "udr",    "udsf", "upf"};

struct Target {
  std::string_view service;
  std::string_view version;
  std::string_view resource;
};

std::string_view take_segment(std::string_view* path) {
  const size_t end = std::min(path->find('/'), path->size());
  const std::string_view segment = path->substr(0, end);
  path->remove_prefix(std::min(end + 1, path->size()));
  return segment;
}

bool is_service(std::string_view name) {
  if (!name.starts_with('n')) return false;
  const size_t dash = name.find('-');
  if (dash == std::string_view::npos) return false;
  const std::string_view function = name.substr(1, dash - 1);
  return std::find(std::begin(kFunctions), std::end(kFunctions), function) != std::end(kFunctions);
}

bool read_target(std::string_view target, Target* out) {
  const size_t scheme = target.substr(0, 8).find("://");
  if (scheme != std::string_view::npos) {
    target.remove_prefix(scheme + 3);
    target.remove_prefix(std::min(target.find('/'), target.size()));
  }
  if (!target.starts_with('/')) return false;
  target.remove_prefix(1);
  out->service = take_segment(&target);
  out->version = take_segment(&target);
  out->resource = target;
  return is_service(out->service) && out->version.size() >= 2 && out->version[0] == 'v' &&
         is_digit(out->version[1]);
}

// The digits behind a mark, and the hash under which they leave.
void put_marked(uint16_t field, std::string_view text, std::string_view mark, IdentityKind kind,
                Context* context) {
  const size_t at = text.find(mark);
  if (at == std::string_view::npos) return;
  std::string_view digits = text.substr(at + mark.size());
  digits = digits.substr(0, std::min(digits.find_first_not_of("0123456789"), digits.size()));
  put_identity(field, kind, digits, context);
}

}  // namespace

bool is_service_target(std::string_view target) {
  Target parts;
  return read_target(target, &parts);
}

void write_service_call(std::string_view target, Context* context) {
  Target parts;
  if (!read_target(target, &parts)) return;
  EventWriter* events = context->events;
  events->open(ids::kSbi);
  events->put_text(ids::sbi::kService, parts.service);
  events->put_text(ids::sbi::kVersion, parts.version);
  events->put_text(ids::sbi::kResource,
                   without_identities(parts.resource, *context->options).view());
  put_marked(ids::sbi::kImsi, parts.resource, "imsi-", IdentityKind::kImsi, context);
  put_identity(ids::sbi::kImsi, IdentityKind::kImsi, imsi_of_suci(parts.resource).view(), context);
  put_marked(ids::sbi::kMsisdn, parts.resource, "msisdn-", IdentityKind::kMsisdn, context);
  put_marked(ids::sbi::kImei, parts.resource, "imei-", IdentityKind::kImei, context);
  put_marked(ids::sbi::kImei, parts.resource, "imeisv-", IdentityKind::kImei, context);
  events->close();
}

}  // namespace thymus::dpi
