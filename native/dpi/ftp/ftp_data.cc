// The data connection of FTP (RFC 959 section 3.2): bare content, known only because the control
// connection announced it. One event when it is over.
#include "base/generated/events/ftp_data.h"

#include "base/generated/events/fileinfo.h"
#include "dpi/file/file_tracker.h"
#include "dpi/ftp/transfer.h"
#include "dpi/parser.h"

namespace thymus::dpi {
namespace {

namespace ids = event::ftp_data;

struct State {
  FileTracker file;
  TransferNote note;
  bool was_opened;
  bool sender_is_responder;
};

Likelihood probe(const Segment&) { return Likelihood::kNo; }

void on_expected(void* state, Bytes note) { static_cast<State*>(state)->note.set(note); }

Answer on_data(void* state, const Segment& segment, Context* context) {
  auto* s = static_cast<State*>(state);
  if (!s->was_opened) {
    s->was_opened = true;
    s->sender_is_responder = !segment.from_originator;
    s->file.open(context->digests);
  }
  if (segment.from_originator != s->sender_is_responder) s->file.add(segment.data);
  return Answer::kAccept;
}

bool on_gap(void* state, bool, Context*) {
  auto* s = static_cast<State*>(state);
  if (s->file.is_open()) s->file.add_gap(0);
  return true;
}

void on_end(void* state, Context* context) {
  auto* s = static_cast<State*>(state);
  if (!s->was_opened) return;
  const Side sender = s->sender_is_responder ? Side::kResponder : Side::kOriginator;
  const std::string_view command = kTransferCommands[s->note.transfer()];
  const std::string_view name = s->note.name();
  EventWriter* events = context->events;
  events->begin(event::kFtpData, sender);
  if (!name.empty()) events->put_text(ids::kFilename, name);
  events->put_text(ids::kCommand, command);
  events->end();
  if (s->note.transfer() >= kFileTransfers) return;
  s->file.close(FileState::kClosed);
  begin_fileinfo(s->file, {AppId::kFtpData, name, 0, sender}, events);
  events->open(event::fileinfo::kFtpData);
  if (!name.empty()) events->put_text(event::fileinfo::ftp_data::kFilename, name);
  events->put_text(event::fileinfo::ftp_data::kCommand, command);
  events->close();
  events->end();
}

}  // namespace

extern const Parser kFtpData;

const Parser kFtpData{
    .app = AppId::kFtpData,
    .state_bytes = sizeof(State),
    .over_tcp = true,
    .over_udp = false,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_end = on_end,
    .first_bytes = std::string_view("\0", 1),  // none would do: it cannot be recognised
    .on_expected = on_expected,
};

}  // namespace thymus::dpi
