// Requests of one connection, oldest first, and the response to the first of them.
#pragma once

#include <cstdint>
#include <string_view>

#include "dpi/kept_fields.h"
#include "dpi/parser.h"
#include "dpi/pgsql/message.h"

namespace thymus::dpi::pgsql {

constexpr uint16_t kPort = 5432;
constexpr uint32_t kMaxEvents = 20'000;
constexpr size_t kMaxRequestsBytes = 48 * 1024;
constexpr size_t kMaxResponseBytes = 12 * 1024;
enum : int { kClientBuffer, kServerBuffer, kRequestsBuffer, kResponseBuffer };

// What is kept of requests: each begins with one of the first kinds.
enum class Request : uint8_t {
  kStartup,  // its text: the version
  kSsl,
  kGss,
  kCancel,  // its text: process and key
  kPassword,
  kSaslInitial,  // its text: the mechanism
  kSaslResponse,
  kQuery,
  kExtended,
  kCall,
  kTerminate,
  kName,  // of a parameter, its value follows
  kValue,
};
constexpr bool opens_request(uint8_t kind) { return kind < static_cast<uint8_t>(Request::kName); }

// What is kept of a response, besides the fields of errors under their letters.
enum Reply : uint8_t { kParameterName = 1, kParameterValue, kCommandTag, kAuthPayload };

struct Numbers {
  uint64_t n_rows, row_bytes;
  uint64_t n_copied_in, copied_in_bytes;
  uint64_t n_copied_out, copied_out_bytes;
  uint32_t process_id, secret_key;
  uint32_t authentication;
  uint16_t n_fields, n_copy_columns;
  bool has_key, has_fields, has_copy, has_authentication;
  bool is_there;  // some of the response came
};

struct State {
  FrameCursor cursor[2];
  Numbers numbers;  // of the response under way
  uint32_t n_open;
  uint32_t n_events;
  uint32_t next_tx_id;
  bool is_sure;
  bool roles_known;
  bool client_is_responder;
  bool awaits_sasl;  // the server asked for it
  bool in_extended;  // since the last Sync
  bool is_ready;     // ReadyForQuery was seen: authentication is over
};
static_assert(sizeof(State) <= kMaxParserStateBytes);

class Session {
 public:
  Session(State* state, Context* context)
      : s_(*state),
        context_(*context),
        requests_(context->buffers, kRequestsBuffer, kMaxRequestsBytes),
        response_(context->buffers, kResponseBuffer, kMaxResponseBytes) {}

  Answer run(const Segment& segment);
  // What has no whole response is reported as it is.
  void end() {
    while (s_.n_open > 0 || s_.numbers.is_there) write_event();
  }

 private:
  bool on_client(Bytes message);
  void on_start(Reader r);
  void on_startup(uint32_t version, Reader r);
  void on_password(Reader r);
  bool on_server(Bytes message, size_t bytes);
  bool on_encryption_answer(uint8_t answer, size_t n_behind);
  void on_authentication(Reader r);
  void on_fields(Reader r);
  void open(Request kind, std::string_view text);
  void open_extended(std::string_view query);
  void write_event();
  void put_request();
  void put_response();
  void put_authentication();
  void put_error_field(uint8_t letter, std::string_view text);
  bool awaits(Request kind) const {
    return s_.n_open > 0 && requests_.front_kind() == static_cast<uint8_t>(kind);
  }
  bool expects_byte() const { return awaits(Request::kSsl) || awaits(Request::kGss); }

  State& s_;
  Context& context_;
  KeptFields requests_;
  KeptFields response_;
  Answer answer_ = Answer::kAccept;
};

}  // namespace thymus::dpi::pgsql
