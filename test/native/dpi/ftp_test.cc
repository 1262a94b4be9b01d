#include "base/generated/events/ftp.h"

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "base/generated/events/fileinfo.h"
#include "base/generated/events/ftp_data.h"
#include "dpi/dialogue.h"

namespace thymus::test {
namespace {

namespace ids = event::ftp;
namespace code = anomaly_code;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

constexpr Speakers kFtp{AppId::kFtp, 21};

Dialogue session() {
  return {server("220-two\r\n220 lines\r\n"),
          client("USER anonymous\r\n"),
          server("331 password\r\n"),
          client("PASV\r\n"),
          server("227 Entering Passive Mode (10,0,0,1,200,10).\r\n"),
          client("RETR dir/a.txt\r\n"),
          server("150 opening\r\n"),
          server("226 done\r\n"),
          client("EPRT |1|10.0.0.2|6275|\r\n"),
          server("200 ok\r\n"),
          client("LIST\r\n"),
          server("425 no\r\n"),
          client("QUIT\r\n")};
}

std::vector<uint64_t> anomalies_of(const EventLog& log) {
  std::vector<uint64_t> codes;
  for (const Fields& f : log.of(event::kAnomaly)) codes.push_back(f.number(event::anomaly::kCode));
  return codes;
}

}  // namespace

TEST_CASE("ftp: commands and their replies") {
  const EventLog log = events_of(kFtp, session());
  const auto events = log.of(event::kFtp);
  REQUIRE(events.size() == 7);
  CHECK(!events[0].has(ids::kCommand));
  CHECK(events[0].all(ids::kCompletionCode).size() == 2);
  CHECK(events[1].text(ids::kCommand) == "USER");
  CHECK(events[1].text(ids::kCommandData) == "anonymous");
  CHECK(events[1].text(ids::kReply) == "password");
  CHECK(events[1].text(ids::kReplyReceived) == "yes");
  CHECK(events[2].number(ids::kDynamicPort) == 200 * 256 + 10);
  CHECK(events[2].text(ids::kMode) == "passive");
  CHECK(events[3].all(ids::kCompletionCode).size() == 2);
  CHECK(events[4].text(ids::kMode) == "active");
  CHECK(events[4].number(ids::kDynamicPort) == 6275);
  CHECK(events[6].text(ids::kReplyReceived) == "no");
  CHECK(anomalies_of(log).empty());
}

TEST_CASE("ftp: data connections are announced") {
  ParserRun run(AppId::kFtp, Transport::kTcp, 40000, 21);
  show(session(), &run);
  const auto& announced = run.context().announced;
  REQUIRE(announced.size() == 2);
  CHECK(announced[0].expectation.app == AppId::kFtpData);
  CHECK(announced[0].expectation.server_port == 200 * 256 + 10);
  CHECK(!announced[0].expectation.server_is_originator);
  CHECK(announced[1].expectation.server_port == 6275);
  CHECK(announced[1].expectation.server_is_originator);

  ParserRun data(AppId::kFtpData, Transport::kTcp, 40000, 51210);
  data.expected(announced[0].note);
  CHECK(data.feed(raw("content"), false) == Answer::kAccept);
  CHECK(data.gap(false));
  data.feed(raw("more"), false);
  data.end();
  const auto event = data.log().of(event::kFtpData).at(0);
  CHECK(event.text(event::ftp_data::kFilename) == "dir/a.txt");
  CHECK(event.text(event::ftp_data::kCommand) == "RETR");
  const auto file = data.log().of(event::kFileinfo).at(0);
  CHECK(file.number(event::fileinfo::kSize) == 11);
  CHECK(file.objects(event::fileinfo::kFtpData).size() == 1);
}

TEST_CASE("ftp: the same events however the stream is cut") { check_splits(kFtp, session()); }

TEST_CASE("ftp: transfers that cannot be, and lines without end") {
  const EventLog log =
      events_of(kFtp, {server("220 hi\r\n"), client("RETR a\r\n"), server("425 no\r\n"),
                       client("RETR\r\n"), server("501 no\r\n"),
                       client("RETR " + std::string(5000, 'A') + "\r\n"), server("550 no\r\n")});
  CHECK(anomalies_of(log) ==
        std::vector<uint64_t>{code::kFtpFileBeforePort, code::kFtpFileWithoutName,
                              code::kFtpRequestCommandTooLong, code::kFtpFileBeforePort});
  const Fields cut = log.of(event::kFtp).at(3);
  CHECK(cut.text(ids::kCommandData).size() == 4091);
  CHECK(cut.number(ids::kCommandTruncated) == 1);
}

TEST_CASE("ftp: AUTH TLS hands the flow over") {
  ParserRun run(AppId::kFtp, Transport::kTcp, 40000, 21);
  run.feed(raw("220 hi\r\n"), false);
  run.feed(raw("AUTH TLS\r\n"));
  CHECK(run.feed(raw("234 go\r\n"), false) == Answer::kHandOver);
  CHECK(run.context().last().next == AppId::kTls);
  CHECK(run.log().of(event::kFtp).at(1).text(ids::kCommand) == "AUTH TLS");
}

TEST_CASE("ftp: is known by its greeting") {
  const ParserRun on_port(AppId::kFtp, Transport::kTcp, 40000, 21);
  const ParserRun other(AppId::kFtp, Transport::kTcp, 40000, 9999);
  CHECK(on_port.probe(raw("220 hi\r\n"), false) == Likelihood::kLikely);
  CHECK(other.probe(raw("220 FTP server\r\n"), false) == Likelihood::kLikely);
  CHECK(other.probe(raw("220 hi\r\n"), false) == Likelihood::kNo);
}

TEST_CASE("ftp: survives damage") { mangle_dialogue(kFtp, session()); }

}  // namespace thymus::test
