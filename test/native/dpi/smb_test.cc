#include "base/generated/events/smb.h"

#include <string_view>

#include <doctest/doctest.h>

#include "base/generated/events/fileinfo.h"
#include "dpi/dcerpc_builder.h"
#include "dpi/parser_mangle.h"
#include "dpi/parser_run.h"
#include "dpi/parser_split.h"

namespace thymus::test {
namespace {

namespace ids = event::smb;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;
using Raw = std::vector<uint8_t>;

ParserRun smb() { return {AppId::kSmb, Transport::kTcp, 40000, 445}; }

Raw le(uint64_t v, int n) {
  Raw out;
  for (int i = 0; i < n; ++i) out.push_back(static_cast<uint8_t>(v >> 8 * i));
  return out;
}
Raw utf16(std::string_view text) {
  Raw out;
  for (const char c : text) {
    out.push_back(static_cast<uint8_t>(c));
    out.push_back(0);
  }
  return out;
}
Raw framed(const Raw& message) {
  const size_t n = message.size();
  return Raw{0, static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8),
             static_cast<uint8_t>(n)} +
         message;
}

struct Smb2 {
  uint16_t command;
  uint64_t message;
  bool is_response = false;
  uint32_t status = 0;
  uint32_t tree = 5;
};
Raw smb2(const Smb2& m, const Raw& body) {
  return framed(Raw{0xfe, 'S', 'M', 'B', 64, 0, 0, 0} + le(m.status, 4) + le(m.command, 2) +
                le(1, 2) + le(m.is_response ? 1 : 0, 4) + le(0, 4) + le(m.message, 8) + le(0, 4) +
                le(m.tree, 4) + le(7, 8) + Raw(16, 0) + body);
}

const Raw kFile(16, 0x21);

Raw negotiate() {
  return smb2({0, 1}, le(36, 2) + le(2, 2) + Raw(8, 0) + Raw(16, 1) + Raw(8, 0) + le(0x202, 2) +
                          le(0x311, 2));
}
Raw negotiated() {
  return smb2({0, 1, true}, le(65, 2) + le(1, 2) + le(0x311, 2) + le(0, 2) + Raw(16, 2) +
                                Raw(8, 0) + le(65536, 4) + le(4096, 4));
}
Raw tree_connect() {
  return smb2({3, 2}, le(9, 2) + le(0, 2) + le(72, 2) + le(22, 2) + utf16("\\\\srv\\share"));
}
Raw tree_connected(uint8_t type) { return smb2({3, 2, true}, le(16, 2) + Raw{type, 0}); }
Raw create(uint64_t message, std::string_view name) {
  return smb2({5, message}, le(57, 2) + Raw(34, 0) + le(1, 4) + le(0x40, 4) + le(120, 2) +
                                le(name.size() * 2, 2) + Raw(8, 0) + utf16(name));
}
Raw created(uint64_t message) {
  const uint64_t time = (11644473600 + 1000) * 10000000;
  return smb2({5, message, true}, le(89, 2) + Raw(6, 0) + le(time, 8) + le(time, 8) + le(time, 8) +
                                      le(time, 8) + le(0, 8) + le(99, 8) + Raw(8, 0) + kFile);
}
Raw read(uint64_t message, uint64_t offset) {
  return smb2({8, message}, le(49, 2) + Raw(2, 0) + le(9000, 4) + le(offset, 8) + kFile);
}
Raw read_response(uint64_t message, const Raw& data) {
  return smb2({8, message, true}, le(17, 2) + Raw{80, 0} + le(data.size(), 4) + Raw(8, 0) + data);
}
Raw write(uint64_t message, uint64_t offset, const Raw& data) {
  return smb2({9, message}, le(49, 2) + le(112, 2) + le(data.size(), 4) + le(offset, 8) + kFile +
                                Raw(16, 0) + data);
}
Raw close(uint64_t message) { return smb2({6, message}, le(24, 2) + Raw(6, 0) + kFile); }
Raw closed(uint64_t message) { return smb2({6, message, true}, le(60, 2) + Raw(58, 0)); }

Raw ntlm_authenticate() {
  const Raw domain = utf16("DOM"), user = utf16("alice"), host = utf16("PC");
  const auto field = [](const Raw& text, size_t offset) {
    return le(text.size(), 2) + le(text.size(), 2) + le(offset, 4);
  };
  return Raw{'N', 'T', 'L', 'M', 'S', 'S', 'P', 0} + le(3, 4) + field({}, 72) + field({}, 72) +
         field(domain, 72) + field(user, 78) + field(host, 88) + field({}, 92) + le(0x02000001, 4) +
         Raw{10, 0} + le(19041, 2) + Raw{0, 0, 0, 15} + domain + user + host;
}
Raw session_setup(const Raw& blob) {
  return smb2({1, 9}, le(25, 2) + Raw(10, 0) + le(88, 2) + le(blob.size(), 2) + Raw(8, 0) + blob);
}

Raw smb1(uint8_t command, bool is_response, const Raw& words, const Raw& bytes) {
  return framed(Raw{0xff, 'S', 'M', 'B', command} + le(0, 4) +
                Raw{static_cast<uint8_t>(is_response ? 0x80 : 0)} + le(0x4001, 2) + Raw(12, 0) +
                le(3, 2) + le(1, 2) + le(2048, 2) + le(11, 2) +
                Raw{static_cast<uint8_t>(words.size() / 2)} + words + le(bytes.size(), 2) + bytes);
}
Raw text(std::string_view s) {
  Raw out(s.begin(), s.end());
  out.push_back(0);
  return out;
}

std::vector<StreamTurn> file_read() {
  return {{true, negotiate()},
          {false, negotiated()},
          {true, tree_connect()},
          {false, tree_connected(1)},
          {true, create(3, "a\\b.txt")},
          {false, created(3)},
          {true, read(4, 0) + read(5, 9000)},
          {false, read_response(4, Raw(9000, 'x')) + read_response(5, Raw(10, 'y'))},
          {true, close(6)},
          {false, closed(6)}};
}

ParserRun run_all(const std::vector<StreamTurn>& turns) {
  ParserRun run = smb();
  for (const StreamTurn& turn : turns) run.feed(turn.bytes, turn.from_originator);
  return run;
}

}  // namespace

TEST_CASE("smb: follows a file from the negotiation to its end") {
  const ParserRun run = run_all(file_read());
  const auto events = run.log().of(event::kSmb);
  REQUIRE(events.size() == 5);
  CHECK(events[0].text(ids::kCommand) == "SMB2_COMMAND_NEGOTIATE_PROTOCOL");
  CHECK(events[0].text(ids::kDialect) == "3.11");
  CHECK(events[0].all(ids::kClientDialects).size() == 2);
  CHECK(events[0].text(ids::kServerGuid) == "02020202-0202-0202-0202-020202020202");
  CHECK(events[0].number(ids::kMaxReadSize) == 65536);
  CHECK(events[1].text(ids::kShare) == "\\srv\\share");
  CHECK(events[1].text(ids::kShareType) == "FILE");
  CHECK(events[2].text(ids::kCommand) == "SMB2_COMMAND_CREATE");
  CHECK(events[2].text(ids::kStatus) == "STATUS_SUCCESS");
  CHECK(events[2].text(ids::kStatusCode) == "0x0");
  CHECK(events[2].number(ids::kSessionId) == 7);
  CHECK(events[2].text(ids::kFilename) == "a\\b.txt");
  CHECK(events[2].text(ids::kDisposition) == "FILE_OPEN");
  CHECK(events[2].number(ids::kCreated) == 1000);
  CHECK(events[2].number(ids::kSize) == 99);
  CHECK(events[3].text(ids::kCommand) == "SMB2_COMMAND_READ");
  CHECK(events[3].text(ids::kShare) == "\\srv\\share");
  CHECK(events[3].text(ids::kFuid) == "21212121-2121-2121-2121-212121212121");
  CHECK(events[4].text(ids::kCommand) == "SMB2_COMMAND_CLOSE");
  const auto files = run.log().of(event::kFileinfo);
  REQUIRE(files.size() == 1);
  CHECK(files[0].number(event::fileinfo::kSize) == 9010);
  CHECK(files[0].text(event::fileinfo::kState) == "CLOSED");
  CHECK(files[0].text(event::fileinfo::kFilename) == "a\\b.txt");
}

TEST_CASE("smb: a file that is never closed is truncated, what is missing is a gap") {
  ParserRun run = smb();
  run.feed(write(1, 100, Raw(50, 'x')));
  run.end();
  const auto files = run.log().of(event::kFileinfo);
  REQUIRE(files.size() == 1);
  CHECK(files[0].number(event::fileinfo::kSize) == 150);
  CHECK(files[0].number(event::fileinfo::kGaps) == 1);
  CHECK(files[0].text(event::fileinfo::kState) == "TRUNCATED");
}

TEST_CASE("smb: shows who logs on") {
  ParserRun run = smb();
  run.feed(session_setup(ntlm_authenticate()));
  run.feed(smb2({1, 9, true, 0xc000006d}, le(9, 2)), false);
  const auto events = run.log().of(event::kSmb);
  REQUIRE(events.size() == 1);
  CHECK(events[0].text(ids::kStatus) == "STATUS_LOGON_FAILURE");
  const Fields ntlm = events[0].objects(ids::kNtlmssp).at(0);
  CHECK(ntlm.text(ids::ntlmssp::kDomain) == "DOM");
  CHECK(ntlm.text(ids::ntlmssp::kUser) == "alice");
  CHECK(ntlm.text(ids::ntlmssp::kHost) == "PC");
  CHECK(ntlm.text(ids::ntlmssp::kVersion) == "10.0 build 19041 rev 15");
}

TEST_CASE("smb: reads DCE/RPC in pipes") {
  ParserRun run = smb();
  run.feed(write(1, 0, rpc_bind(1)));
  run.feed(read(2, 0));
  run.feed(read_response(2, rpc_bind_ack(1)), false);
  run.feed(write(3, 0, rpc_request(2, 8, 20)));
  run.feed(read(4, 0));
  run.feed(read_response(4, rpc_response(2, 12)), false);
  const auto events = run.log().of(event::kSmb);
  REQUIRE(events.size() == 2);
  const Fields bind = events[0].objects(ids::kDcerpc).at(0);
  CHECK(bind.text(ids::dcerpc::kRequest) == "BIND");
  CHECK(bind.text(ids::dcerpc::kResponse) == "BINDACK");
  CHECK(bind.objects(ids::dcerpc::kInterfaces).size() == 1);
  const Fields call = events[1].objects(ids::kDcerpc).at(0);
  CHECK(call.number(ids::dcerpc::kOpnum) == 8);
  CHECK(call.number(ids::dcerpc::kCallId) == 2);
  CHECK(call.objects(ids::dcerpc::kReq).at(0).number(ids::dcerpc::req::kStubDataSize) == 20);
  CHECK(run.log().of(event::kFileinfo).empty());
}

TEST_CASE("smb: reads version 1") {
  ParserRun run = smb();
  CHECK(run.probe(smb1(0x72, false, {}, Raw{2} + text("NT LM 0.12"))) == Likelihood::kLikely);
  run.feed(smb1(0x72, false, {}, Raw{2} + text("PC NETWORK") + Raw{2} + text("NT LM 0.12")));
  run.feed(smb1(0x72, true, le(1, 2), {}), false);
  run.feed(smb1(0x75, false, Raw{0xff, 0, 0, 0, 0, 0, 1, 0},
                Raw{0} + text("\\\\srv\\IPC$") + text("?????")));
  run.feed(smb1(0x75, true, Raw{0xff, 0, 0, 0, 0, 0}, text("IPC")), false);
  const auto events = run.log().of(event::kSmb);
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(ids::kCommand) == "SMB1_COMMAND_NEGOTIATE_PROTOCOL");
  CHECK(events[0].text(ids::kDialect) == "NT LM 0.12");
  CHECK(events[0].all(ids::kClientDialects).size() == 2);
  CHECK(events[1].text(ids::kNamedPipe) == "\\\\srv\\IPC$");
  CHECK(events[1].number(ids::kTreeId) == 3);
  CHECK(events[1].objects(ids::kService).at(0).text(ids::service::kResponse) == "IPC");
}

TEST_CASE("smb: reads a stream in any pieces, and goes on after a hole") {
  check_split(AppId::kSmb, 445, file_read());
  ParserRun run = smb();
  run.feed(negotiate());
  CHECK(run.gap(false));
  CHECK(run.feed({1, 2, 3}, false) == Answer::kAccept);
  run.feed(negotiated(), false);
  CHECK(run.log().of(event::kSmb).size() == 1);
}

TEST_CASE("smb: more requests than are kept are written without a response") {
  ParserRun run = smb();
  for (uint64_t i = 0; i < 40; ++i) run.feed(create(i, "x"));
  CHECK(run.log().of(event::kSmb).size() == 8);
  run.end();
  CHECK(run.log().of(event::kSmb).size() == 40);
}

TEST_CASE("smb: survives damage") {
  for (const Raw& m : {negotiate(), tree_connect(), create(1, "a"), write(1, 0, rpc_bind(1)),
                       session_setup(ntlm_authenticate()),
                       smb1(0x75, false, Raw{0xff, 0, 0, 0, 0, 0, 1, 0},
                            Raw{0} + text("\\\\srv\\IPC$") + text("?????"))}) {
    mangle_parser({AppId::kSmb, Transport::kTcp, 445, true, m});
  }
  mangle_parser({AppId::kSmb, Transport::kTcp, 445, false, create(3, "b") + created(3)});
  mangle_parser({AppId::kSmb, Transport::kTcp, 445, false, read(3, 0) + read_response(3, {1})});
}

}  // namespace thymus::test
