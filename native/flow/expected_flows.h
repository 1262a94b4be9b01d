// Flows that a parser announced: which protocol to expect between two hosts on a server port.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "base/address.h"
#include "dpi/context.h"

namespace thymus::flow {

// The newest kMost announcements of a lane; each serves one flow, and what is announced again is
// one. Both flows have the same two hosts, so the same lane sees them.
class ExpectedFlows {
 public:
  static constexpr size_t kMost = 256;
  static constexpr int64_t kLifetimeNs = 60'000'000'000;

  struct Entry {
    dpi::AppId app = dpi::AppId::kUnknown;  // kUnknown: free
    bool tcp;
    uint16_t server_port;
    uint16_t note_bytes;
    IpAddress server;
    IpAddress client;
    int64_t until_ns;
    std::array<uint8_t, dpi::kMaxNoteBytes> note;
  };

  void add(dpi::AppId app, bool tcp, uint16_t server_port, const IpAddress& server,
           const IpAddress& client, int64_t now_ns, Bytes note) {
    size_t place = find(app, tcp, server_port, server, client);
    if (place == kMost) {
      place = next_++ % kMost;
      const Entry& old = entries_[place];
      if (old.app != dpi::AppId::kUnknown && old.until_ns >= now_ns) ++lost_;
    }
    Entry& e = entries_[place];
    e = {};
    ports_[place] = server_port;
    e.app = app;
    e.tcp = tcp;
    e.server_port = server_port;
    e.server = server;
    e.client = client;
    e.until_ns = latest_ns_ = now_ns + kLifetimeNs;
    e.note_bytes = static_cast<uint16_t>(std::min(note.size(), e.note.size()));
    if (e.note_bytes > 0) std::memcpy(e.note.data(), note.data(), e.note_bytes);
  }

  // The announcement of a flow one of whose ends listens on `port` at `server`; it is used up.
  bool take(bool tcp, uint16_t port, const IpAddress& server, const IpAddress& client,
            int64_t now_ns, Entry* out) {
    if (!any_at(port)) return false;
    for (Entry& e : entries_) {
      if (e.app == dpi::AppId::kUnknown || e.tcp != tcp || e.server_port != port) continue;
      if (e.until_ns < now_ns || e.server != server || e.client != client) continue;
      *out = e;
      e.app = dpi::AppId::kUnknown;
      return true;
    }
    return false;
  }

  // Whether one may be waiting: mostly not, and then nobody searches.
  bool any(int64_t now_ns) const { return now_ns <= latest_ns_; }

  // Announcements that gave way to newer ones within their time.
  uint64_t lost() const { return lost_; }

 private:
  // kMost: it is not there.
  size_t find(dpi::AppId app, bool tcp, uint16_t port, const IpAddress& server,
              const IpAddress& client) const {
    size_t i = any_at(port) ? 0 : kMost;
    for (; i < kMost; ++i) {
      const Entry& e = entries_[i];
      if (e.app == app && e.tcp == tcp && e.server_port == port && e.server == server &&
          e.client == client) {
        break;
      }
    }
    return i;
  }

  // Most flows are asked about in vain. Without a way out the loop becomes vector code.
  bool any_at(uint16_t port) const {
    uint16_t n = 0;
    for (const uint16_t p : ports_) n = static_cast<uint16_t>(n + (p == port));
    return n != 0;
  }

  std::array<Entry, kMost> entries_{};
  std::array<uint16_t, kMost> ports_{};  // of entries_, also of those that are used up
  size_t next_ = 0;
  uint64_t lost_ = 0;
  int64_t latest_ns_ = INT64_MIN;
};

}  // namespace thymus::flow
