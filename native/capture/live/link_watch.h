// What the kernel says of interfaces as it happens (rtnetlink(7)): a poll of their state would miss
// one that went down and came up in between.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace thymus::capture {

struct LinkChange {
  std::string name;
  bool is_up = false;  // false also when it is gone
};

class LinkWatch {
 public:
  // Without the right to listen it is mute: take() then gives nothing.
  LinkWatch();
  ~LinkWatch();
  LinkWatch(const LinkWatch&) = delete;
  LinkWatch& operator=(const LinkWatch&) = delete;

  int fd() const { return fd_; }
  // What happened since the last call, oldest first; never waits.
  const std::vector<LinkChange>& take();

 private:
  int fd_;
  std::vector<LinkChange> changes_;
};

// Adds the changes that messages of the kernel tell of; what is cut or of another kind is left out.
void read_link_changes(Bytes messages, std::vector<LinkChange>* out);

}  // namespace thymus::capture
