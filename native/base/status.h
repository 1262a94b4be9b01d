// Errors of set-up code as values. The packet loop uses enums and counters instead.
#pragma once

#include <string>
#include <utility>

namespace thymus {

enum class StatusCode { kOk, kNotFound, kNotPermitted, kNotACapture, kInvalidArgument, kIo };

// `message` is one sentence for the user that says what is wrong and what to do.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}
  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

}  // namespace thymus
