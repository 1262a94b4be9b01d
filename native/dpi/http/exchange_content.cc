// Bodies of one exchange: decoded, and told as files.
#include <array>

#include "base/generated/anomaly_codes.h"
#include "dpi/http/content_decoder.h"
#include "dpi/http/exchange.h"
#include "dpi/http/lookup.h"

namespace thymus::dpi::http {

namespace code = anomaly_code;

// Of each piece of a request's content, for expressions.
constexpr size_t kSearchedContentBytes = 2048;

void Exchange::begin_content(const Head& head, Stream* stream) {
  stream->phase = Phase::kBody;
  stream->n_codings = 0;
  stream->is_broken = false;
  std::array<ContentDecoder::Coding, ContentDecoder::kMaxLayers> codings{};
  size_t n = ContentDecoder::codings_in(head.content_encoding, codings.data(), codings.size());
  if (n < codings.size()) {
    n += ContentDecoder::codings_in(head.second_encoding, codings.data() + n, codings.size() - n);
  }
  if (n > codings.size()) {
    write_fault(code::kHttpTooManyEncodingLayers);
    return;
  }
  // One body of a flow is decoded at a time.
  const Stream& other = stream == &s_.client ? s_.server : s_.client;
  if (n == 0 || stream->body.is_over() || other.n_codings > 0) return;
  const auto memory = context_.buffers->scratch(n * ContentDecoder::kBytesPerLayer);
  if (memory.empty()) return;
  ContentDecoder::begin(memory, codings.data(), n);
  stream->n_codings = static_cast<uint8_t>(n);
}

// Returns what is behind the body.
Bytes Exchange::take_body(Bytes data, Stream* stream) {
  while (!data.empty() && !stream->body.is_over()) {
    const bool was_invalid = stream->body.had_invalid_chunk();
    const BodyReader::Piece piece = stream->body.next(data);
    if (piece.is_content) on_content(data.first(piece.size), stream);
    if (!was_invalid && stream->body.had_invalid_chunk()) {
      write_fault(stream == &s_.client ? code::kHttpInvalidRequestChunkLen
                                       : code::kHttpInvalidResponseChunkLen);
    }
    data = data.subspan(piece.size);
  }
  return data;
}

void Exchange::on_content(Bytes content, Stream* stream) {
  FileTracker& file = stream->file;
  if (!file.is_open()) file.open(context_.digests);
  if (stream->is_broken) return;
  if (stream == &s_.client) {
    JndiLookups lookups;
    find_jndi_lookups(as_text(Reader(content).take_up_to(kSearchedContentBytes)), &lookups);
    write_lookups(lookups);
  }
  if (stream->n_codings == 0) return file.add(content);
  const auto memory = context_.buffers->scratch(stream->n_codings * ContentDecoder::kBytesPerLayer);
  auto* decoder = ContentDecoder::in(memory);
  const auto result = decoder->decode(content, [&file](Bytes bytes) { file.add(bytes); });
  if (result == ContentDecoder::Result::kDecoded || result == ContentDecoder::Result::kPlain) {
    return;
  }
  stream->is_broken = true;
  const bool is_bomb = result == ContentDecoder::Result::kBomb;
  write_fault(is_bomb ? code::kHttpCompressionBomb : code::kHttpGzipDecompressionFailed);
}

void Exchange::end_content(FileState state, Stream* stream) {
  if (stream->n_codings > 0) context_.buffers->scratch(0);
  stream->n_codings = 0;
  if (!stream->file.is_open()) return;
  stream->file.close(stream->file.has_gaps() ? FileState::kTruncated : state);
  write_file(*stream);
}

}  // namespace thymus::dpi::http
