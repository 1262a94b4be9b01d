// Builds PDUs of DCE/RPC, version 5, little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace thymus::test {

using RpcBytes = std::vector<uint8_t>;

inline RpcBytes operator+(RpcBytes a, const RpcBytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline RpcBytes rpc_pdu(uint8_t type, uint8_t call_id, const RpcBytes& body, uint8_t flags = 3) {
  const size_t n = 16 + body.size();
  return RpcBytes{5,
                  0,
                  type,
                  flags,
                  0x10,
                  0,
                  0,
                  0,
                  static_cast<uint8_t>(n),
                  static_cast<uint8_t>(n >> 8),
                  0,
                  0,
                  call_id,
                  0,
                  0,
                  0} +
         body;
}
// The interface 12345778-1234-abcd-ef00-0123456789ac, version 1.0, as context 0.
inline RpcBytes rpc_bind(uint8_t call_id, uint8_t type = 11) {
  return rpc_pdu(type, call_id,
                 RpcBytes{0xd0, 0x16, 0xd0, 0x16, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0} +
                     RpcBytes{0x78, 0x57, 0x34, 0x12, 0x34, 0x12, 0xcd, 0xab, 0xef, 0x00,
                              0x01, 0x23, 0x45, 0x67, 0x89, 0xac, 1,    0,    0,    0} +
                     RpcBytes(20, 7));
}
inline RpcBytes rpc_bind_ack(uint8_t call_id, uint8_t type = 12) {
  return rpc_pdu(type, call_id,
                 RpcBytes{0xd0, 0x16, 0xd0, 0x16, 1, 0, 0, 0, 4, 0, '1', '3',
                          '5',  0,    0,    0,    1, 0, 0, 0, 0, 0, 0,   0} +
                     RpcBytes(20, 7));
}
inline RpcBytes rpc_request(uint8_t call_id, uint8_t opnum, size_t n_stub, uint8_t flags = 3) {
  return rpc_pdu(0, call_id, RpcBytes{0, 0, 0, 0, 0, 0, opnum, 0} + RpcBytes(n_stub, 9), flags);
}
inline RpcBytes rpc_response(uint8_t call_id, size_t n_stub, uint8_t flags = 3) {
  return rpc_pdu(2, call_id, RpcBytes{0, 0, 0, 0, 0, 0, 0, 0} + RpcBytes(n_stub, 9), flags);
}

}  // namespace thymus::test
