#include "dpi/smtp/mail_events.h"

#include <array>

#include "base/generated/events/fileinfo.h"
#include "base/generated/events/smtp.h"

namespace thymus::dpi {
namespace {

constexpr size_t kMaxUrls = 128;

// The same fields stand in the events smtp and fileinfo, under other numbers.
struct EnvelopeIds {
  uint16_t helo, mail_from, rcpt_to;
};
struct EmailIds {
  uint16_t object, status, url;
  std::array<uint16_t, 12> by_field;  // by MailField
};

constexpr EnvelopeIds kSmtpEnvelope{event::smtp::kHelo, event::smtp::kMailFrom,
                                    event::smtp::kRcptTo};
constexpr EnvelopeIds kFileEnvelope{event::fileinfo::smtp::kHelo, event::fileinfo::smtp::kMailFrom,
                                    event::fileinfo::smtp::kRcptTo};

namespace in_smtp = event::smtp::email;
namespace in_file = event::fileinfo::email;
constexpr EmailIds kSmtpEmail{
    event::smtp::kEmail,
    in_smtp::kStatus,
    in_smtp::kUrl,
    {0, in_smtp::kFrom, in_smtp::kTo, in_smtp::kCc, in_smtp::kSubject, in_smtp::kDate,
     in_smtp::kMessageId, in_smtp::kReplyTo, in_smtp::kXMailer, in_smtp::kUserAgent,
     in_smtp::kXOriginatingIp, in_smtp::kAttachment}};
constexpr EmailIds kFileEmail{
    event::fileinfo::kEmail,
    in_file::kStatus,
    in_file::kUrl,
    {0, in_file::kFrom, in_file::kTo, in_file::kCc, in_file::kSubject, in_file::kDate,
     in_file::kMessageId, in_file::kReplyTo, in_file::kXMailer, in_file::kUserAgent,
     in_file::kXOriginatingIp, in_file::kAttachment}};

void put_envelope(const MailTransaction& tx, const EnvelopeIds& ids, EventWriter* events) {
  if (!tx.helo.empty()) events->put_text(ids.helo, tx.helo);
  tx.fields.each([&](uint8_t kind, std::string_view text) {
    if (kind == kKeptSender) events->put_text(ids.mail_from, text);
    if (kind == kKeptRecipient) events->put_text(ids.rcpt_to, text);
  });
}

// URLs come with the last one first, as in Suricata, which shows those of http only.
void put_urls(const MailTransaction& tx, MailField which, uint16_t field, EventWriter* events) {
  std::array<std::string_view, kMaxUrls> urls;
  size_t n = 0;
  tx.fields.each([&](uint8_t kind, std::string_view text) {
    if (kind != static_cast<uint8_t>(which)) return;
    if (n == urls.size()) {
      events->count_truncation();
    } else {
      urls[n++] = text;
    }
  });
  while (n > 0) events->put_text(field, urls[--n]);
}

void put_email(const MailTransaction& tx, const EmailIds& ids, EventWriter* events) {
  if (!tx.has_mail) return;
  events->open(ids.object);
  tx.fields.each([&](uint8_t kind, std::string_view text) {
    if (kind < ids.by_field.size()) events->put_text(ids.by_field[kind], text);
  });
  events->put_text(ids.status, tx.is_whole ? "PARSE_DONE" : "BODY_STARTED");
  put_urls(tx, MailField::kUrl, ids.url, events);
  put_urls(tx, MailField::kOtherUrl, ids.url, events);
  events->close();
}

}  // namespace

void write_smtp(const MailTransaction& tx, EventWriter* events) {
  events->begin(event::kSmtp, tx.client);
  events->put(event::smtp::kTxId, tx.id);
  put_envelope(tx, kSmtpEnvelope, events);
  put_email(tx, kSmtpEmail, events);
  events->end();
}

void write_mail_file(const MailTransaction& tx, const FileTracker& file, std::string_view name,
                     EventWriter* events) {
  begin_fileinfo(file, {AppId::kSmtp, name, tx.id, tx.client}, events);
  events->open(event::fileinfo::kSmtp);
  put_envelope(tx, kFileEnvelope, events);
  events->close();
  put_email(tx, kFileEmail, events);
  events->end();
}

}  // namespace thymus::dpi
