// Where frames come from. A source hands up blocks of frames that point into memory it owns.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace thymus::capture {

inline constexpr size_t kBlockFrames = 256;
// A record that claims more captured bytes than this is damage, not a frame (tcpdump's own limit).
inline constexpr uint32_t kMaxFrameBytes = 256 * 1024;
// Times outside [0, kMaxTimeNs] (year 2116) are clamped, so that a time plus a timeout fits.
inline constexpr int64_t kMaxTimeNs = std::numeric_limits<int64_t>::max() / 2;

// One frame as captured. 32 bytes.
struct Frame {
  const uint8_t* data;
  int64_t ts_ns;       // since 1970-01-01 UTC, in [0, kMaxTimeNs]
  uint32_t caplen;     // bytes present
  uint32_t origlen;    // bytes on the wire; never less than caplen
  uint16_t link_type;  // LINKTYPE_ number
  uint16_t interface;  // index of the interface within its source, over all sections
  uint32_t source;     // position of its source in a merge; 0 otherwise
};
static_assert(sizeof(Frame) == 32);

using Block = std::span<const Frame>;

enum class ReadState {
  kFrames,   // the block holds at least one frame
  kEnd,      // the source ended where it should
  kDamaged,  // it ended at damage; error() says what and where; all frames before were given
  kWait,     // nothing yet (live sources only)
};

struct SourceProgress {
  uint64_t bytes_read = 0;   // of the file as stored
  uint64_t bytes_total = 0;  // 0 when unknown (standard input)
  // Of live sources.
  uint64_t kernel_frames = 0;  // that passed the filter, those dropped included
  uint64_t kernel_drops = 0;   // of those, since their ring was full
  uint64_t unread_frames = 0;  // of those, still in their ring when the source was closed
  uint64_t nic_drops = 0;      // by the network card, since the source was opened
  uint64_t interface_downs = 0;
  uint64_t interface_reopens = 0;
};

// Not thread-safe: one thread reads it.
class Source {
 public:
  virtual ~Source() = default;
  // At most kBlockFrames frames. The frames' bytes stay valid until the next call, or until the
  // source is destroyed when `stable()`. After kEnd or kDamaged every call answers the same.
  virtual ReadState next(Block* block) = 0;
  virtual bool stable() const = 0;
  // One sentence about the damage; empty when there was none. It does not name the file.
  virtual const std::string& error() const = 0;
  virtual SourceProgress progress() const = 0;
  // Share of the buffer in front of it that waits to be read, 0 to 1; a file waits as long as it
  // must.
  virtual double fill() const { return 0; }
  // No more frames will be asked for: what is left is counted.
  virtual void close() {}
  // After kWait: hardly a frame that is yet to come is older than this, in ns since 1970.
  virtual int64_t now_ns() const { return 0; }
};

// How the bytes of a plain file are reached. Compressed files and pipes are always read.
enum class Access {
  kRead,    // into a recycled window: the cheapest for one reader that is done with each block
  kMapped,  // mapped pages: `stable()`, so that frames may be handed to other threads
};

// Opens a capture file: pcap or pcapng, plain, gzip or zstd by content; "-" is standard input.
// The status of a file that cannot be read or is no capture has one sentence for the user.
// Waiting for a pipe, here and in `next`, ends within 100 ms once `*stop` is set (null: never), as
// if the pipe had ended; `stop` outlives the source.
Status open_capture(const std::string& path, Access access, const std::atomic<bool>* stop,
                    std::unique_ptr<Source>* out);
Status open_capture(const std::string& path, Access access, std::unique_ptr<Source>* out);
Status open_capture(const std::string& path, std::unique_ptr<Source>* out);

// Several sources as one stream in time order. Frames of equal time keep the order of `sources`.
// Damage ends one source only: the others go on, and the merge ends with kDamaged afterwards.
class MergedSource : public Source {
 public:
  // The error of each source by its position; empty where there was none.
  virtual const std::vector<std::string>& errors() const = 0;
};
std::unique_ptr<MergedSource> merge_sources(std::vector<std::unique_ptr<Source>> sources);

}  // namespace thymus::capture
