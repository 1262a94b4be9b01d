// Writes frames to a pcap with nanosecond times: evidence captures, tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "capture/source.h"

namespace thymus::capture {

// One thread uses it. The first error stays: later calls return it again and write nothing.
class PcapWriter {
 public:
  // Creates `path`, or empties it.
  static Status create(const std::string& path, uint16_t link_type,
                       std::unique_ptr<PcapWriter>* out);
  // Closes the file; what was not flushed by close() may be lost.
  ~PcapWriter();
  PcapWriter(const PcapWriter&) = delete;
  PcapWriter& operator=(const PcapWriter&) = delete;

  // The frame's link type must be the file's, since a pcap has one; its time must fit 32 bits of
  // seconds and is clamped to them.
  Status write(const Frame& frame);
  Status close();

 private:
  PcapWriter(int fd, std::string path, uint16_t link_type);
  void put(Bytes bytes);
  void put32(uint32_t value);
  Status flush();
  Status failed(int error_number);

  int fd_;
  std::string path_;
  uint16_t link_type_;
  std::vector<uint8_t> buffer_;
  Status status_;
};

}  // namespace thymus::capture
