#include "base/generated/events/smtp.h"

#include <doctest/doctest.h>

#include "base/generated/anomaly_codes.h"
#include "base/generated/events/anomaly.h"
#include "base/generated/events/fileinfo.h"
#include "dpi/dialogue.h"

namespace thymus::test {
namespace {

namespace ids = event::smtp;
namespace code = anomaly_code;
using dpi::Answer;
using dpi::AppId;
using dpi::Likelihood;
using dpi::Transport;

constexpr Speakers kSmtp{AppId::kSmtp, 25};

Dialogue hello() {
  return {server("220 mail.example ESMTP ready\r\n"), client("EHLO client.example\r\n"),
          server("250-mail.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n")};
}

Dialogue operator+(Dialogue a, const Dialogue& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Dialogue envelope() {
  return {client("MAIL FROM:<a@example.org> SIZE=100\r\n"), server("250 2.1.0 Ok\r\n"),
          client("rcpt to: <b@example.net>\r\nRCPT TO:<c@example.net>\r\n"),
          server("250 Ok\r\n250 Ok\r\n")};
}

Dialogue mail(const std::string& text) {
  return {client("DATA\r\n"), server("354 go ahead\r\n"), client(text + "\r\n.\r\n"),
          server("250 queued\r\n")};
}

Dialogue session(const std::string& text) {
  return hello() + envelope() + mail(text) + Dialogue{client("QUIT\r\n"), server("221 bye\r\n")};
}

std::vector<uint64_t> anomalies_of(const EventLog& log) {
  std::vector<uint64_t> codes;
  for (const Fields& f : log.of(event::kAnomaly)) codes.push_back(f.number(event::anomaly::kCode));
  return codes;
}

Fields email_of(const std::string& text) {
  const auto events = events_of(kSmtp, session(text)).of(event::kSmtp);
  REQUIRE(events.size() == 1);
  REQUIRE(events[0].objects(ids::kEmail).size() == 1);
  return events[0].objects(ids::kEmail)[0];
}

std::vector<std::string> texts(const Fields& fields, uint16_t field) {
  std::vector<std::string> out;
  for (const auto& value : fields.all(field)) out.emplace_back(value.begin(), value.end());
  return out;
}

using Texts = std::vector<std::string>;

constexpr const char* kMultipart =
    "From: Ann <a@example.org>\r\n"
    "To: \"B, Bob\" <b@example.net>,\r\n c@example.net\r\n"
    "Subject: three parts\r\n"
    "Content-Type: multipart/mixed;\r\n boundary=\"outer\"\r\n"
    "\r\n"
    "preamble http://not.in/a/part\r\n"
    "--outer\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "see http://exam=\r\nple.org/=61 and https://other.example>\r\n"
    "--outer\r\n"
    "Content-Type: application/octet-stream; name=wrong.bin\r\n"
    "Content-Disposition: attachment; filename=\"data.bin\"\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    "AAEC\r\nAwQFBg==\r\n"
    "--outer\r\n"
    "Content-Disposition: attachment; filename=plain.txt\r\n"
    "\r\n"
    "one\r\n..two\r\n\r\n"
    "--outer--\r\n"
    "epilogue";

}  // namespace

TEST_CASE("smtp: one transaction with its envelope and its mail") {
  const EventLog log = events_of(
      kSmtp, session("From: a@example.org\r\nTo: b@example.net\r\nSubject: hi\r\n\r\nhello"));
  CHECK(anomalies_of(log).empty());
  const auto events = log.of(event::kSmtp);
  REQUIRE(events.size() == 1);
  CHECK(events[0].has(ids::kTxId));
  CHECK(events[0].number(ids::kTxId) == 0);
  CHECK(events[0].text(ids::kHelo) == "client.example");
  CHECK(events[0].text(ids::kMailFrom) == "<a@example.org>");
  CHECK(texts(events[0], ids::kRcptTo) == Texts{"<b@example.net>", "<c@example.net>"});
  const Fields email = events[0].objects(ids::kEmail).at(0);
  CHECK(email.text(ids::email::kFrom) == "a@example.org");
  CHECK(email.text(ids::email::kSubject) == "hi");
  CHECK(email.text(ids::email::kStatus) == "PARSE_DONE");
  CHECK(log.events[0].side == Side::kOriginator);
}

TEST_CASE("smtp: parts of a mail, their files and addresses") {
  const Fields email = email_of(kMultipart);
  CHECK(texts(email, ids::email::kTo) == Texts{"\"B, Bob\" <b@example.net>", "c@example.net"});
  CHECK(texts(email, ids::email::kAttachment) == Texts{"wrong.bin", "plain.txt"});
  CHECK(texts(email, ids::email::kUrl) == Texts{"example.org/a", "other.example"});

  const auto files = events_of(kSmtp, session(kMultipart)).of(event::kFileinfo);
  REQUIRE(files.size() == 2);
  CHECK(files[0].text(event::fileinfo::kState) == "CLOSED");
  CHECK(files[0].number(event::fileinfo::kSize) == 7);
  CHECK(files[1].text(event::fileinfo::kFilename) == "plain.txt");
  CHECK(files[1].number(event::fileinfo::kSize) == std::string("one\r\n.two\r\n").size());
  CHECK(files[1].objects(event::fileinfo::kSmtp).at(0).text(event::fileinfo::smtp::kHelo) ==
        "client.example");
}

TEST_CASE("smtp: the same events however the stream is cut") {
  check_splits(kSmtp, session(kMultipart));
}

TEST_CASE("smtp: mails inside mails and parts inside parts") {
  const Fields email = email_of(
      "Cc: x@example.org\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n"
      "--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
      "--b\r\n\r\nhttp://one\r\n--b--\r\n"
      "--a\r\nContent-Type: message/rfc822\r\n\r\nCc: inner\r\n\r\nhttp://two\r\n--a--\r\n");
  CHECK(texts(email, ids::email::kCc) == Texts{"x@example.org"});
  CHECK(texts(email, ids::email::kUrl) == Texts{"two", "one"});
}

TEST_CASE("smtp: faults of a mail are said once") {
  const std::string name(300, 'n');
  const EventLog log =
      events_of(kSmtp, session("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
                               "Content-Disposition: attachment; filename=\"" +
                               name +
                               "\"\r\n"
                               "Content-Transfer-Encoding: base64\r\n\r\n!!!!\r\n####\r\n--a--"));
  CHECK(anomalies_of(log) ==
        std::vector<uint64_t>{code::kSmtpMimeLongFilename, code::kSmtpMimeInvalidBase64});
  CHECK(log.of(event::kFileinfo).at(0).text(event::fileinfo::kFilename) == name.substr(0, 255));
}

TEST_CASE("smtp: chunks") {
  const std::string first = "Subject: in two\r\n\r\nhttp://exam";
  const std::string second = "ple.org\r\n";
  const Dialogue chunks = {client("BDAT " + std::to_string(first.size()) + "\r\n" + first),
                           server("250 ok\r\n"),
                           client("BDAT " + std::to_string(second.size()) + " LAST\r\n" + second),
                           server("250 queued\r\n")};
  const Dialogue both = hello() + envelope() + chunks + envelope() + mail("\r\nx");
  const EventLog log = events_of(kSmtp, both);
  const auto events = log.of(event::kSmtp);
  REQUIRE(events.size() == 2);
  CHECK(events[0].objects(ids::kEmail).at(0).text(ids::email::kUrl) == "example.org");
  CHECK(events[1].number(ids::kTxId) == 1);
  CHECK(texts(events[1], ids::kRcptTo).size() == 2);
  CHECK(anomalies_of(log).empty());
  check_splits(kSmtp, both);
}

TEST_CASE("smtp: a rejected DATA and a reset") {
  const EventLog log =
      events_of(kSmtp, hello() +
                           Dialogue{client("MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"),
                                    server("553 no\r\n503 no\r\n503 no\r\n"), client("RSET\r\n"),
                                    server("250 ok\r\n")} +
                           envelope() + mail("\r\nx"));
  const auto events = log.of(event::kSmtp);
  REQUIRE(events.size() == 2);
  CHECK(!events[0].has(ids::kEmail));
  CHECK(events[1].text(ids::kMailFrom) == "<a@example.org>");
  CHECK(anomalies_of(log) == std::vector<uint64_t>{code::kSmtpDataCommandRejected});
}

TEST_CASE("smtp: STARTTLS hands the flow over") {
  ParserRun run(AppId::kSmtp, Transport::kTcp, 40000, 25);
  show(hello() + Dialogue{client("STARTTLS\r\n")}, &run, 5);
  ParserRun again(AppId::kSmtp, Transport::kTcp, 40000, 25);
  for (const Said& said : hello()) again.feed(raw(said.text), said.by_client);
  again.feed(raw("STARTTLS\r\n"));
  CHECK(again.feed(raw("220 go\r\n\x16\x03"), false) == Answer::kHandOver);
  CHECK(again.context().last().next == AppId::kTls);
  CHECK(again.context().last().next_bytes == 2);
  CHECK(again.log().of(event::kSmtp).size() == 1);
}

TEST_CASE("smtp: invalid replies end it") {
  ParserRun run(AppId::kSmtp, Transport::kTcp, 40000, 25);
  for (const Said& said : hello()) run.feed(raw(said.text), said.by_client);
  run.feed(raw("MAIL FROM:<a>\r\n"));
  CHECK(run.feed(raw("472 no such code\r\n"), false) == Answer::kReject);
  CHECK(anomalies_of(run.log()) == std::vector<uint64_t>{code::kSmtpInvalidReply});
  CHECK(run.log().events[0].side == Side::kPacket);
  CHECK(run.log().of(event::kSmtp).size() == 1);
}

TEST_CASE("smtp: goes on after a hole") {
  ParserRun run(AppId::kSmtp, Transport::kTcp, 40000, 25);
  for (const Said& said : hello() + envelope()) run.feed(raw(said.text), said.by_client);
  run.feed(raw("DATA\r\n"));
  run.feed(raw("354 go\r\n"), false);
  run.feed(raw("Subject: x\r\n\r\nbegin"));
  CHECK(run.gap(true));
  run.feed(raw("end\r\n.\r\n"));
  run.feed(raw("250 ok\r\n"), false);
  CHECK(run.log().of(event::kSmtp).size() == 1);
}

TEST_CASE("smtp: is told from FTP, which greets alike") {
  const ParserRun mail_run(AppId::kSmtp, Transport::kTcp, 40000, 25);
  const ParserRun other(AppId::kSmtp, Transport::kTcp, 40000, 9999);
  CHECK(mail_run.probe(raw("220 x\r\n"), false) == Likelihood::kLikely);
  CHECK(other.probe(raw("220 x ESMTP\r\n"), false) == Likelihood::kLikely);
  CHECK(other.probe(raw("220 x\r\n"), false) == Likelihood::kMaybe);
  CHECK(other.probe(raw("220 FTP server\r\n"), false) == Likelihood::kNo);
  CHECK(other.probe(raw("EHLO there\r\n")) == Likelihood::kLikely);
  CHECK(other.probe(raw("HELP\r\n")) == Likelihood::kNo);
  ParserRun run(AppId::kSmtp, Transport::kTcp, 40000, 9999);
  CHECK(run.feed(raw("220 x\r\n"), false) == Answer::kNeedMore);
  CHECK(run.feed(raw("USER anonymous\r\n")) == Answer::kHandOver);
  CHECK(run.context().last().next == AppId::kFtp);
}

TEST_CASE("smtp: survives damage") {
  mangle_dialogue(kSmtp, hello() + envelope() +
                             mail("Content-Type: multipart/a; boundary=\"b\"\r\n\r\n--b\r\n"
                                  "Content-Transfer-Encoding: base64\r\n"
                                  "Content-Disposition: x; filename=f\r\n\r\nQUJD\r\n--b--"));
}

}  // namespace thymus::test
