// DCERPC calls in named pipes.
#include "base/generated/events/smb.h"
#include "dpi/smb/session.h"

namespace thymus::dpi {
namespace {

namespace ids = event::smb;

}  // namespace

SmbCall* SmbSession::find_call(uint32_t call_id, uint8_t type) {
  for (SmbCall& call : state_.calls) {
    if (call.is_used && call.call_id == call_id && call.type == type) return &call;
  }
  return nullptr;
}

bool SmbSession::on_pdu_of_client(Bytes data, const SmbHeader& h) {
  DcerpcHeader pdu;
  if (!read_dcerpc_header(data, &pdu)) return false;
  const Bytes body = data.subspan(DcerpcHeader::kBytes);
  SmbCall* call = find_call(pdu.call_id, pdu.type);
  const bool goes_on = call != nullptr && pdu.is(DcerpcType::kRequest) && !pdu.is_first();
  if (!goes_on) call = begin_call(pdu, h);
  if (pdu.is(DcerpcType::kBind) || pdu.is(DcerpcType::kAlterContext)) {
    state_.interfaces.on_bind(pdu, body);
  } else if (pdu.is(DcerpcType::kRequest)) {
    DcerpcReader r(body, pdu.is_little);
    r.skip(4);
    call->context = r.u16();
    call->opnum = r.u16();
    call->request_bytes += static_cast<uint32_t>(r.remaining());
  }
  ++call->request_fragments;
  return true;
}

SmbCall* SmbSession::begin_call(const DcerpcHeader& pdu, const SmbHeader& h) {
  SmbCall* room = nullptr;
  for (SmbCall& call : state_.calls) {
    if (!call.is_used) room = &call;
  }
  if (room == nullptr) {
    room = &state_.calls[state_.victim++ % kMaxSmbCalls];
    write_call(room, nullptr, nullptr);
  }
  *room = {};
  room->session = h.session;
  room->tree = h.tree;
  room->call_id = pdu.call_id;
  room->id = ++state_.n_ids;
  room->command = h.command;
  room->is_smb1 = h.is_smb1;
  room->type = pdu.type;
  room->is_used = true;
  return room;
}

bool SmbSession::on_pdu_of_server(Bytes data, const SmbHeader& h) {
  DcerpcHeader pdu;
  if (!read_dcerpc_header(data, &pdu)) return false;
  const Bytes body = data.subspan(DcerpcHeader::kBytes);
  DcerpcType asked = DcerpcType::kRequest;
  if (pdu.is(DcerpcType::kBindAck) || pdu.is(DcerpcType::kBindNak)) asked = DcerpcType::kBind;
  if (pdu.is(DcerpcType::kAlterContextResp)) asked = DcerpcType::kAlterContext;
  if (pdu.is(DcerpcType::kBindAck) || pdu.is(DcerpcType::kAlterContextResp)) {
    state_.interfaces.on_ack(pdu, body);
  }
  SmbCall* call = find_call(pdu.call_id, static_cast<uint8_t>(asked));
  if (call == nullptr) return false;
  ++call->response_fragments;
  if (pdu.is(DcerpcType::kResponse)) {
    DcerpcReader r(body, pdu.is_little);
    r.skip(8);
    call->response_bytes += static_cast<uint32_t>(r.remaining());
    if (!pdu.is_last()) return true;
  }
  write_call(call, &pdu, &h);
  return true;
}

void SmbSession::write_call(SmbCall* call, const DcerpcHeader* answer, const SmbHeader* h) {
  namespace rpc = ids::dcerpc;
  call->is_used = false;
  if (!may_write()) return;
  const bool is_call = call->type == static_cast<uint8_t>(DcerpcType::kRequest);
  const bool is_bind = call->type == static_cast<uint8_t>(DcerpcType::kBind);
  begin(call->id, call->is_smb1, call->command);
  if (h != nullptr) put_status(h->status);
  events_.put(ids::kSessionId, call->session);
  events_.put(ids::kTreeId, call->tree);
  events_.open(ids::kDcerpc);
  events_.put_text(rpc::kRequest, dcerpc_type_name(call->type));
  events_.put_text(rpc::kResponse,
                   answer != nullptr ? dcerpc_type_name(answer->type) : "UNREPLIED");
  if (is_call) {
    events_.put(rpc::kOpnum, call->opnum);
    events_.open(rpc::kReq);
    events_.put(rpc::req::kFragCnt, call->request_fragments);
    events_.put(rpc::req::kStubDataSize, call->request_bytes);
    events_.close();
  }
  for (const DcerpcInterface& i : state_.interfaces.all()) {
    if (is_bind || (is_call && i.context == call->context)) put_interface(i, is_bind);
  }
  if (answer != nullptr && answer->is(DcerpcType::kResponse)) {
    events_.open(rpc::kRes);
    events_.put(rpc::res::kFragCnt, call->response_fragments);
    events_.put(rpc::res::kStubDataSize, call->response_bytes);
    events_.close();
  }
  events_.put(rpc::kCallId, call->call_id);
  events_.close();
  events_.end();
}

void SmbSession::put_interface(const DcerpcInterface& i, bool with_ack) {
  namespace rpc = ids::dcerpc::interfaces;
  events_.open(ids::dcerpc::kInterfaces);
  events_.put_text(rpc::kUuid, i.uuid.text().view());
  events_.put_text(rpc::kVersion, i.version_text().view());
  if (with_ack && i.is_acked) {
    events_.put(rpc::kAckResult, i.ack_result);
    events_.put(rpc::kAckReason, i.ack_reason);
  }
  events_.close();
}

}  // namespace thymus::dpi
