#include "dpi/http2/connection.h"

#include <algorithm>
#include <cstring>

#include "dpi/name_hash.h"

namespace thymus::dpi::http2 {
namespace {

constexpr uint8_t kEndStream = 0x01;
constexpr uint8_t kAck = 0x01;
constexpr uint8_t kEndHeaders = 0x04;
constexpr uint8_t kPadded = 0x08;
constexpr uint8_t kHasPriority = 0x20;

constexpr size_t kMaxBlockBytes = 16 * 1024;
constexpr size_t kMaxControlBytes = 256;
constexpr size_t kMaxListBytes = 8 * 1024;  // of the fields of a message that are kept
constexpr uint32_t kReleaseBytes = 16 * 1024;
constexpr uint16_t kMaxContinuations = 32;
constexpr uint32_t kManyResets = 100;
constexpr uint32_t kDefaultFrameBytes = 16 * 1024;
constexpr uint16_t kHeaderTableSize = 1;
constexpr uint16_t kMaxFrameSize = 5;

bool carries_fields(FrameType type) {
  return type == FrameType::kHeaders || type == FrameType::kPushPromise ||
         type == FrameType::kContinuation;
}

bool may_be_padded(FrameType type) {
  return type == FrameType::kData || type == FrameType::kHeaders || type == FrameType::kPushPromise;
}

// Before the content of a frame: the length of the padding, the priority, the promised stream.
size_t prefix_bytes(const Frame& frame) {
  size_t n = may_be_padded(frame.type) && (frame.flags & kPadded) ? 1 : 0;
  if (frame.type == FrameType::kHeaders && (frame.flags & kHasPriority)) n += 5;
  if (frame.type == FrameType::kPushPromise) n += 4;
  return n;
}

bool has_valid_length(const Frame& frame) {
  switch (frame.type) {
    case FrameType::kPriority:
      return frame.length == 5;
    case FrameType::kRstStream:
    case FrameType::kWindowUpdate:
      return frame.length == 4;
    case FrameType::kPing:
      return frame.length == 8;
    case FrameType::kGoaway:
      return frame.length >= 8;
    case FrameType::kSettings:
      return frame.length % kSettingBytes == 0 && (!(frame.flags & kAck) || frame.length == 0);
    default:
      return frame.length >= prefix_bytes(frame);
  }
}

}  // namespace

Frame read_frame_header(Bytes bytes) {
  Reader r(bytes);
  Frame frame{};
  frame.length = r.be24();
  frame.type = static_cast<FrameType>(r.u8());
  frame.flags = r.u8();
  frame.stream_id = r.be32() & 0x7fffffff;
  return frame;
}

bool surely_begins_frame(Bytes bytes) {
  if (bytes.size() < kFrameHeaderBytes) return false;
  const Frame frame = read_frame_header(bytes);
  if (frame.stream_id != 0 || (bytes[5] & 0x80) != 0 || frame.flags > kAck) return false;
  if (bytes.size() < kFrameHeaderBytes + frame.length || !has_valid_length(frame)) return false;
  if (frame.type == FrameType::kPing) return true;
  if (frame.type == FrameType::kWindowUpdate) return frame.flags == 0;
  if (frame.type != FrameType::kSettings) return false;
  Reader r(bytes.subspan(kFrameHeaderBytes, frame.length));
  while (!r.empty()) {
    const uint16_t id = r.be16();
    r.skip(4);
    if (id == 0 || id > 16) return false;
  }
  return frame.length > 0 || (frame.flags & kAck) != 0;
}

// ---- the course of a call

Answer Session::on_data(const Segment& segment) {
  side_ = segment.from_originator ? 0 : 1;
  Direction& d = s_.directions[side_];
  Bytes data = segment.data;
  if (data.empty()) return s_.is_sure ? Answer::kAccept : Answer::kNeedMore;
  if (s_.is_sure && !open_connection()) return Answer::kDone;
  if (d.is_after_gap && !skip_gap(segment.seq, &d)) {
    on_end();
    return Answer::kDone;
  }
  d.next_seq = segment.seq + static_cast<uint32_t>(data.size());
  if (context_.flow_app == AppId::kHttp) s_.is_sure = true;
  if (s_.is_sure && !open_connection()) return Answer::kDone;
  while (!data.empty()) {
    if (!d.is_started) {
      data = take_preface(data, &d);
      if (!d.is_started) return d.n_preface > 0 ? Answer::kNeedMore : Answer::kReject;
      if (!open_connection()) return Answer::kDone;
      continue;
    }
    data = take_frame(data, &d);
    if (s_.n_events >= kMaxEvents) return Answer::kDone;
  }
  return s_.is_sure ? Answer::kAccept : Answer::kNeedMore;
}

bool Session::open_connection() {
  if (c_ != nullptr) return true;
  const auto memory = context_.buffers->scratch(kConnectionBytes);
  if (memory.size() < kConnectionBytes) return false;
  c_ = static_cast<Connection*>(static_cast<void*>(memory.data()));
  if (s_.directions[0].max_frame_bytes != 0) return true;
  for (size_t side = 0; side < 2; ++side) {
    s_.directions[side].max_frame_bytes = kDefaultFrameBytes;
    c_->headers[side].begin(s_.is_mid_stream);
  }
  return true;
}

// The client's first bytes; the server, and a client seen in the middle, begins with a frame.
Bytes Session::take_preface(Bytes data, Direction* d) {
  while (!data.empty() && d->n_preface < kPreface.size() &&
         data[0] == static_cast<uint8_t>(kPreface[d->n_preface])) {
    ++d->n_preface;
    data = data.subspan(1);
  }
  if (d->n_preface == kPreface.size()) {
    s_.server_is_originator = side_ == 1;
    s_.is_sure = true;
    d->is_started = true;
  } else if (d->n_preface == 0) {
    if (!s_.is_sure && !surely_begins_frame(data)) return data;
    if (!s_.is_sure) s_.is_mid_stream = s_.directions[1 - side_].n_preface == 0;
    s_.is_sure = true;
    d->is_started = true;
  } else if (!data.empty()) {
    d->n_preface = 0;
  }
  return data;
}

bool Session::skip_gap(uint32_t seq, Direction* d) {
  d->is_after_gap = false;
  const uint32_t missing = seq - d->next_seq;
  if (!d->is_in_frame || d->frame.type != FrameType::kData || missing > d->content_left) {
    return false;
  }
  d->content_left -= missing;
  if (Stream* stream = find(d->frame.stream_id); stream != nullptr) {
    if (!is_client(side_)) stream->length += missing;
    lose_file_part(missing, stream);
  }
  if (c_->dns_stream == d->frame.stream_id) c_->dns_stream = 0;
  if (d->content_left == 0 && d->padding_left == 0) end_frame(d);
  return true;
}

Bytes Session::take_frame(Bytes data, Direction* d) {
  Reader r(data);
  if (!d->is_in_frame) {
    size_t needed = kFrameHeaderBytes;
    if (d->n_lead >= kFrameHeaderBytes) {
      d->frame = read_frame_header(d->lead);
      needed += std::min<size_t>(prefix_bytes(d->frame), d->frame.length);
    }
    if (d->n_lead < needed) {
      const Bytes taken = r.take_up_to(needed - d->n_lead);
      std::memcpy(d->lead.data() + d->n_lead, taken.data(), taken.size());
      d->n_lead = static_cast<uint8_t>(d->n_lead + taken.size());
      if (d->n_lead < needed) return r.rest();
      if (needed == kFrameHeaderBytes) {
        d->frame = read_frame_header(d->lead);
        if (d->frame.length > 0 && prefix_bytes(d->frame) > 0) return r.rest();
      }
    }
    begin_frame(d);
  } else if (d->content_left > 0) {
    const Bytes content = r.take_up_to(d->content_left);
    d->content_left -= static_cast<uint32_t>(content.size());
    take_content(content, d);
  } else {
    d->padding_left -= static_cast<uint32_t>(r.take_up_to(d->padding_left).size());
  }
  if (d->content_left == 0 && d->padding_left == 0) end_frame(d);
  return r.rest();
}

void Session::begin_frame(Direction* d) {
  const Frame& frame = d->frame;
  d->is_in_frame = true;
  d->is_dropped = false;
  Reader r(Bytes(d->lead).first(d->n_lead).subspan(kFrameHeaderBytes));
  const bool is_padded = may_be_padded(frame.type) && (frame.flags & kPadded) && !r.empty();
  const uint32_t padding = is_padded ? r.u8() : 0;
  const auto left = frame.length - static_cast<uint32_t>(d->n_lead - kFrameHeaderBytes);
  d->padding_left = std::min(padding, left);
  d->content_left = left - d->padding_left;
  if (!has_valid_length(frame) || padding > left) {
    report(Fault::kFrameLength);
    d->is_dropped = true;
  }
  if (frame.length > d->max_frame_bytes) report(Fault::kLongFrame);
  if (frame.type == FrameType::kData && frame.stream_id == 0) report(Fault::kStreamZero);
  const bool goes_on = frame.type == FrameType::kContinuation;
  if (goes_on != (d->block_stream != 0) || (goes_on && frame.stream_id != d->block_stream)) {
    d->block_stream = 0;
    lose_headers(d, Fault::kFrameData);
  }
  if (goes_on) {
    if (++d->n_continuations == kMaxContinuations) report(Fault::kContinuationFlood);
    return;
  }
  context_.buffers->clear(static_cast<int>(side_));
  if (!carries_fields(frame.type)) return;
  d->n_continuations = 0;
  d->block_stream = frame.stream_id;
  d->promised_stream = frame.type == FrameType::kPushPromise ? r.be32() & 0x7fffffff : 0;
  d->block_ends_stream = frame.type == FrameType::kHeaders && (frame.flags & kEndStream);
  d->has_weight = frame.type == FrameType::kHeaders && (frame.flags & kHasPriority);
  r.skip(d->has_weight ? 4 : 0);
  d->weight = d->has_weight ? r.u8() : 0;
}

void Session::take_content(Bytes content, Direction* d) {
  const Frame& frame = d->frame;
  if (frame.type == FrameType::kData) {
    Stream* stream = find(frame.stream_id);
    if (stream == nullptr) return;
    if (!is_client(side_)) stream->length += content.size();
    take_dns(content, *stream);
    take_file(content, stream);
    return;
  }
  const bool is_block = carries_fields(frame.type);
  if (d->is_dropped || (is_block && d->is_lost)) return;
  const auto buffer = static_cast<int>(side_);
  const size_t kept = context_.buffers->view(buffer).size();
  const size_t room = is_block ? kMaxBlockBytes : kMaxControlBytes;
  const size_t n = std::min(content.size(), room - std::min(room, kept));
  if (n < content.size() && is_block) return lose_headers(d, Fault::kBlockTooLong);
  if (n > 0 && !context_.buffers->append(buffer, content.first(n)) && is_block) d->is_lost = true;
}

void Session::end_frame(Direction* d) {
  const Frame frame = d->frame;
  d->is_in_frame = false;
  d->n_lead = 0;
  const auto buffer = static_cast<int>(side_);
  if (carries_fields(frame.type)) {
    if (d->is_dropped) lose_headers(d, Fault::kFrameLength);
    if (!(frame.flags & kEndHeaders)) return;
    if (d->block_stream != 0) finish_block(context_.buffers->view(buffer), d);
    d->block_stream = 0;
  } else if (frame.type == FrameType::kData) {
    Stream* stream = find(frame.stream_id);
    if (stream != nullptr && (frame.flags & kEndStream)) end_side(stream, side_);
  } else if (!d->is_dropped) {
    on_control(context_.buffers->view(buffer), frame);
  }
  context_.buffers->clear(buffer);
}

// ---- control frames

void Session::on_control(Bytes content, const Frame& frame) {
  Reader r(content);
  switch (frame.type) {
    case FrameType::kSettings:
      if (!(frame.flags & kAck)) on_settings(content);
      return;
    case FrameType::kRstStream:
      return on_reset(r.be32(), frame.stream_id);
    case FrameType::kGoaway:
      r.skip(4);
      return write_goaway(r.be32());
    case FrameType::kPriority:
      if (Stream* stream = find(frame.stream_id); stream != nullptr && r.skip(4)) {
        stream->weight = r.u8();
        stream->has_weight = true;
      }
      return;
    default:
      return;
  }
}

void Session::on_settings(Bytes content) {
  write_settings(content);
  Reader r(content);
  while (!r.empty()) {
    const uint16_t id = r.be16();
    const uint32_t value = r.be32();
    if (!r.ok()) return;
    if (id == kHeaderTableSize) c_->headers[1 - side_].allow(value);
    if (id == kMaxFrameSize && value >= kDefaultFrameBytes)
      s_.directions[1 - side_].max_frame_bytes = value;
  }
}

void Session::on_reset(uint32_t error_code, uint32_t stream_id) {
  Stream* stream = find(stream_id);
  if (stream == nullptr) return;
  if (is_client(side_) && !stream->has_response && ++c_->n_resets == kManyResets) {
    report(Fault::kRapidReset);
  }
  stream->was_reset = true;
  stream->reset_side = static_cast<uint8_t>(side_);
  stream->error_code = error_code;
  close_stream(stream);
}

// ---- header blocks

void Session::lose_headers(Direction* d, Fault fault) {
  if (d->is_lost) return;
  d->is_lost = true;
  report(fault);
}

bool Session::keep_field(std::string_view name, std::string_view value, FieldList* list) {
  const size_t size = 4 + name.size() + value.size();
  const std::array<uint16_t, 2> sizes = {static_cast<uint16_t>(name.size()),
                                         static_cast<uint16_t>(value.size())};
  std::array<uint8_t, 4> head;
  std::memcpy(head.data(), sizes.data(), head.size());
  Buffers& buffers = *context_.buffers;
  if (list->is_cut || list->bytes + size > kMaxListBytes) return false;
  // A field of which only a part fits the memory ends the list before it.
  if (!buffers.append(kFields, head) || !buffers.append(kFields, as_bytes(name)) ||
      !buffers.append(kFields, as_bytes(value))) {
    return false;
  }
  list->bytes += static_cast<uint32_t>(size);
  return true;
}

void Session::finish_block(Bytes block, Direction* d) {
  if (d->is_lost) return;
  make_room();
  // Opened first: another one may have to be given up for it, and its fields with it.
  Stream* stream = open_stream(d->promised_stream != 0 ? d->promised_stream : d->block_stream);
  FieldList list{};
  list.at = c_->consumed + static_cast<uint32_t>(context_.buffers->view(kFields).size());
  bool is_message = false;
  bool is_request = is_client(side_) || d->promised_stream != 0;
  const auto result =
      c_->headers[side_].decode(block, [&](std::string_view name, std::string_view value) {
        is_message = is_message || name.starts_with(':');
        if (s_.is_mid_stream && name == ":status") is_request = false;
        if (s_.is_mid_stream && name == ":method") is_request = true;
        if (!keep_field(name, value, &list)) list.is_cut = true;
      });
  judge_result(result, d);
  if (s_.is_mid_stream && is_message && d->promised_stream == 0) {
    s_.server_is_originator = is_request == (side_ == 1);
  }
  if (stream == nullptr) return;
  if (d->has_weight) stream->weight = d->weight;
  stream->has_weight = stream->has_weight || d->has_weight;
  // Trailers have no pseudo field; they are not kept.
  if (is_message) on_list(list, stream, is_request);
  if (d->promised_stream != 0) stream->is_over[1 - side_] = true;
  if (d->block_ends_stream) end_side(stream, side_);
}

void Session::judge_result(HeaderDecoder::Result result, Direction* d) {
  switch (result) {
    case HeaderDecoder::Result::kDecoded:
      return;
    case HeaderDecoder::Result::kBroken:
      return lose_headers(d, Fault::kHeader);
    case HeaderDecoder::Result::kIntegerOverflow:
      return lose_headers(d, Fault::kIntegerOverflow);
    case HeaderDecoder::Result::kTooLarge:
      return lose_headers(d, Fault::kHeaderBomb);
  }
}

void Session::on_list(const FieldList& list, Stream* stream, bool is_request) {
  (is_request ? stream->request : stream->response) = list;
  (is_request ? stream->has_request : stream->has_response) = true;
  const bool is_dns = value_of(list, "content-type").starts_with(kDnsType);
  if (!is_request) stream->answers_dns = is_dns;
  if (is_dns) context_.facts.app = AppId::kDoh2;
  if (!is_request) return;
  const std::string_view authority = value_of(list, ":authority");
  const std::string_view host = value_of(list, "host");
  if (!authority.empty() && !host.empty() && authority != host) report(Fault::kAuthority);
  context_.facts.name_hash = name_hash(authority.empty() ? host : authority);
  stream->asks_dns = value_of(list, "accept").starts_with(kDnsType);
}

// ---- streams

Stream* Session::find(uint32_t id) {
  if (id == 0) return nullptr;
  for (Stream& stream : c_->streams) {
    if (stream.id == id) return &stream;
  }
  return nullptr;
}

// Null for a stream that is over, or was given up.
Stream* Session::open_stream(uint32_t id) {
  if (id == 0) return nullptr;
  if (Stream* known = find(id)) return known;
  uint32_t& highest = c_->highest_id[1 - id % 2];
  if (id <= highest) return nullptr;
  highest = id;
  const auto is_free = [](const Stream& stream) { return stream.id == 0; };
  auto* free = std::find_if(c_->streams.begin(), c_->streams.end(), is_free);
  if (free == c_->streams.end()) {
    close_oldest();
    free = std::find_if(c_->streams.begin(), c_->streams.end(), is_free);
  }
  *free = {};
  free->id = id;
  free->tx_id = c_->next_tx++;
  return free;
}

void Session::end_side(Stream* stream, size_t side) {
  if (!is_client(side)) end_dns(stream);
  end_file(stream, side, FileState::kClosed);
  stream->is_over[side] = true;
  if (stream->is_over[1 - side]) close_stream(stream);
}

void Session::close_stream(Stream* stream) {
  for (size_t side = 0; side < 2; ++side) end_file(stream, side, FileState::kTruncated);
  write_stream(*stream);
  if (stream->asks_dns && !stream->was_answered) write_query(value_of(stream->request, ":path"));
  if (c_->dns_stream == stream->id) c_->dns_stream = 0;
  stream->id = 0;
  release_fields();
}

// REQUIRES: a stream is open.
void Session::close_oldest() {
  report(Fault::kTooManyStreams);
  Stream* oldest = nullptr;
  for (Stream& stream : c_->streams) {
    if (stream.id != 0 && (oldest == nullptr || stream.tx_id < oldest->tx_id)) oldest = &stream;
  }
  close_stream(oldest);
}

// For the fields of one more message.
void Session::make_room() {
  release_fields();
  while (context_.buffers->view(kFields).size() + kMaxListBytes > kMaxBufferBytes) close_oldest();
}

// The start of the buffer that no open stream needs is given back in large pieces, because each
// may move what is behind it.
void Session::release_fields() {
  const auto size = static_cast<uint32_t>(context_.buffers->view(kFields).size());
  uint32_t n_dead = size;
  for (const Stream& stream : c_->streams) {
    if (stream.id == 0) continue;
    if (stream.has_request) n_dead = std::min(n_dead, stream.request.at - c_->consumed);
    if (stream.has_response) n_dead = std::min(n_dead, stream.response.at - c_->consumed);
  }
  if (n_dead == 0 || (n_dead < kReleaseBytes && n_dead < size)) return;
  context_.buffers->consume(kFields, n_dead);
  c_->consumed += n_dead;
}

Bytes Session::fields_of(const FieldList& list) const {
  Reader r(context_.buffers->view(kFields));
  r.seek(list.at - c_->consumed);
  return r.take(list.bytes);
}

std::string_view Session::value_of(const FieldList& list, std::string_view name) const {
  std::string_view found;
  each_field(fields_of(list), [&](std::string_view n, std::string_view value) {
    if (n == name) found = value;
    return n != name;
  });
  return found;
}

// What is open is reported in the order in which it began.
void Session::on_end() {
  if (!s_.is_sure || !open_connection()) return;
  for (size_t n = 0; n < kMaxStreams; ++n) {
    Stream* oldest = nullptr;
    for (Stream& stream : c_->streams) {
      if (stream.id != 0 && (oldest == nullptr || stream.tx_id < oldest->tx_id)) oldest = &stream;
    }
    if (oldest == nullptr) return;
    close_stream(oldest);
  }
}

}  // namespace thymus::dpi::http2
