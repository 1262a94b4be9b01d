#include "base/digest.h"

#include <string>

#include <doctest/doctest.h>

namespace thymus {
namespace {

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

template <typename D>
std::string hex(const std::string& text) {
  const auto digits = hex_of(D::of(bytes_of(text)));
  return {digits.begin(), digits.end()};
}

template <typename D>
void check_pieces() {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i);
  for (size_t piece = 1; piece <= 130; ++piece) {
    D digest;
    for (size_t at = 0; at < text.size(); at += piece) {
      digest.update(bytes_of(text.substr(at, piece)));
      digest.value();
    }
    CHECK(digest.value() == D::of(bytes_of(text)));
  }
}

}  // namespace

// The short ones are those of the standards, the others lie at the edges of the padding; all as
// md5sum, sha1sum and sha256sum print them.
TEST_CASE("digest: MD5 gives the reference values") {
  CHECK(hex<Md5>("") == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(hex<Md5>("abc") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(hex<Md5>("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "8215ef0796a20bcaaae116d3876c664a");
  CHECK(hex<Md5>(std::string(55, 'a')) == "ef1772b6dff9a122358552954ad0df65");
  CHECK(hex<Md5>(std::string(56, 'a')) == "3b0c8ac703f828b04c6c197006d17218");
  CHECK(hex<Md5>(std::string(64, 'a')) == "014842d480b571495a4a0363793f7367");
  CHECK(hex<Md5>(std::string(119, 'a')) == "8a7bd0732ed6a28ce75f6dabc90e1613");
  CHECK(hex<Md5>(std::string(1000, 'a')) == "cabe45dcc9ae5b66ba86600cca6b8ba8");
}

TEST_CASE("digest: SHA-1 gives the reference values") {
  CHECK(hex<Sha1>("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(hex<Sha1>("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex<Sha1>("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  CHECK(hex<Sha1>(std::string(55, 'a')) == "c1c8bbdc22796e28c0e15163d20899b65621d65a");
  CHECK(hex<Sha1>(std::string(56, 'a')) == "c2db330f6083854c99d4b5bfb6e8f29f201be699");
  CHECK(hex<Sha1>(std::string(64, 'a')) == "0098ba824b5c16427bd7a1122a5a442a25ec644d");
  CHECK(hex<Sha1>(std::string(119, 'a')) == "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56");
  CHECK(hex<Sha1>(std::string(1000, 'a')) == "291e9a6c66994949b57ba5e650361e98fc36b1ba");
}

TEST_CASE("digest: SHA-256 gives the reference values") {
  CHECK(hex<Sha256>("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex<Sha256>("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex<Sha256>("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hex<Sha256>(std::string(55, 'a')) ==
        "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  CHECK(hex<Sha256>(std::string(56, 'a')) ==
        "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  CHECK(hex<Sha256>(std::string(64, 'a')) ==
        "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
  CHECK(hex<Sha256>(std::string(119, 'a')) ==
        "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb");
  CHECK(hex<Sha256>(std::string(1000, 'a')) ==
        "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}

TEST_CASE("digest: pieces of any size give the same value") {
  check_pieces<Md5>();
  check_pieces<Sha1>();
  check_pieces<Sha256>();
}

}  // namespace thymus
