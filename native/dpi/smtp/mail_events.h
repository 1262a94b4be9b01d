// The fields of one mail transaction, kept until its event is written.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/event_writer.h"
#include "dpi/kept_fields.h"
#include "dpi/smtp/mail.h"

namespace thymus::dpi {

// Kinds of kept fields beside those of MailField.
inline constexpr uint8_t kKeptSender = 100;     // MAIL FROM
inline constexpr uint8_t kKeptRecipient = 101;  // RCPT TO

struct MailTransaction {
  uint64_t id;
  std::string_view helo;
  bool has_mail;  // there was a mail, not only its envelope
  bool is_whole;
  Side client;
  KeptFields fields;
};

void write_smtp(const MailTransaction& tx, EventWriter* events);
void write_mail_file(const MailTransaction& tx, const FileTracker& file, std::string_view name,
                     EventWriter* events);

}  // namespace thymus::dpi
