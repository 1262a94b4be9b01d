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

// What one segment does in a dialogue whose lines decide about the protocol. `Session` derives from
// it, is its friend, and has find_roles, on_client, on_server and end; `State` is a LineDialogue
// with is_sure.
template <typename Session, typename State>
class LineSession {
 public:
  LineSession(State* state, const Segment& segment, Context* context)
      : s_(*state), segment_(segment), context_(*context) {}

  Answer run() {
    Session& session = static_cast<Session&>(*this);
    if (s_.is_sure) answer_ = Answer::kAccept;
    if (!s_.roles_known) session.find_roles();
    const bool kept =
        take_side(s_, segment_, &context_, [&](Bytes all, bool client, size_t n_behind) {
          if (over()) return size_t{0};
          return client ? session.on_client(all) : session.on_server(all, n_behind);
        });
    if (!kept && !over()) answer_ = Answer::kReject;
    if (answer_ == Answer::kReject) session.end();
    return answer_;
  }

 protected:
  bool over() const { return answer_ != Answer::kAccept && answer_ != Answer::kNeedMore; }
  void be_sure() {
    s_.is_sure = true;
    if (answer_ == Answer::kNeedMore) answer_ = Answer::kAccept;
  }

  State& s_;
  const Segment& segment_;
  Context& context_;
  Answer answer_ = Answer::kNeedMore;
};

// Parser::on_end of a session that reports what is open.
template <typename Session, typename State>
void end_session(void* state, Context* context) {
  const Segment none{{}, 0, true, Transport::kTcp, 0, 0};
  Session(static_cast<State*>(state), none, context).end();
}

}  // namespace thymus::dpi
