// What a flow keeps of SMB: requests that wait for their response, files and pipes that are open,
// and names.
#pragma once

#include <array>
#include <cstdint>

#include "dpi/dcerpc/dcerpc_pdu.h"
#include "dpi/file/file_tracker.h"

namespace thymus::dpi {

inline constexpr size_t kMaxSmbRequests = 32;
inline constexpr size_t kMaxSmbCalls = 8;
inline constexpr size_t kMaxSmbFiles = 4;
inline constexpr size_t kSmbFileIdBytes = 16;

using SmbFileId = std::array<uint8_t, kSmbFileIdBytes>;

struct SmbRequest {
  uint64_t message;
  uint32_t id;     // of the event
  uint32_t begin;  // of the request in its buffer, in bytes since the start of the flow
  uint16_t command;
  bool is_smb1;
  bool is_used;
};

struct SmbCall {
  uint64_t session;
  uint32_t tree;
  uint32_t call_id;
  uint32_t id;
  uint32_t request_bytes;
  uint32_t response_bytes;
  uint16_t request_fragments;
  uint16_t response_fragments;
  uint16_t context;
  uint16_t opnum;
  uint16_t command;
  uint8_t type;
  bool is_smb1;
  bool is_used;
};

struct SmbFile {
  FileTracker tracker;
  uint64_t session;
  SmbFileId file;
  uint32_t tree;
  uint32_t id;
  bool is_write;
  bool is_used;
};

struct SmbState {
  std::array<SmbRequest, kMaxSmbRequests> requests;
  std::array<SmbCall, kMaxSmbCalls> calls;
  std::array<SmbFile, kMaxSmbFiles> files;
  DcerpcInterfaces interfaces;
  uint64_t body_left[2];  // bytes of a message that go by without being kept
  uint32_t consumed_bytes;
  uint32_t n_ids;
  uint32_t n_events;
  uint32_t max_read_size;
  uint32_t max_write_size;
  uint16_t dialect;
  uint8_t victim;
  uint8_t body_file[2];  // 1 + the file to which they belong; 0: none
  bool is_lost[2];
  bool is_sure;
  bool client_is_responder;
};
static_assert(sizeof(SmbState) <= 4096);

}  // namespace thymus::dpi
