// What dialogues in lines have in common (FTP, POP3, SMTP, IMAP): who is the client, where each
// side stands in its lines, and what happens at a hole and at the end.
#pragma once

#include "base/bytes.h"
#include "base/event_writer.h"
#include "dpi/context.h"
#include "dpi/lines.h"
#include "dpi/parser.h"

namespace thymus::dpi {

// Part of a parser's zeroed state. Two of the flow's buffers keep lines that are not whole yet.
struct LineDialogue {
  static constexpr int kClientBuffer = 0, kServerBuffer = 1;

  LineReader client_lines;
  LineReader server_lines;
  bool roles_known;
  bool client_is_responder;

  // Of a flow that was seen from its middle on the originator may be the server, which its first
  // line tells.
  void set_roles(bool from_originator, bool is_of_server) {
    roles_known = true;
    client_is_responder = from_originator && is_of_server;
  }
  bool is_client(bool from_originator) const { return from_originator != client_is_responder; }
  Side client_side() const { return client_is_responder ? Side::kResponder : Side::kOriginator; }

  // After a hole: the rest of the line that was under way is skipped.
  void lose(bool client, Context* context) {
    context->buffers->clear(client ? kClientBuffer : kServerBuffer);
    (client ? client_lines : server_lines).resync();
  }
};

// Shows what a segment adds to its side: `take(all, client, n_behind)` as in take_stream. False
// when it could not be kept.
template <typename Take>
bool take_side(const LineDialogue& dialogue, const Segment& segment, Context* context,
               Take&& take) {
  const bool client = dialogue.is_client(segment.from_originator);
  const int buffer = client ? LineDialogue::kClientBuffer : LineDialogue::kServerBuffer;
  return take_stream(context, buffer, segment.data,
                     [&](Bytes all, size_t n_behind) { return take(all, client, n_behind); });
}

// Parser::on_end of a session that reports what is open.
template <typename Session, typename State>
void end_session(void* state, Context* context) {
  const Segment none{{}, 0, true, Transport::kTcp, 0, 0};
  Session(static_cast<State*>(state), none, context).end();
}

}  // namespace thymus::dpi
