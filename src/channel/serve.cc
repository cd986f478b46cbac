#include "channel/serve.h"

#include <utility>

#include "channel/codec.h"
#include "channel/socket_io.h"

namespace keyhaven::channel {
namespace {

// Answers beyond this are sent before more calls are taken from the batch, so that the buffer stays
// bounded.
constexpr std::size_t kMaxBatchedAnswerBytes = 256 * 1024;

using Newest = unit::CryptoUnit::Newest;

Result<std::monostate> no_value(Result<void> result) {
  if (!result) return std::move(result).error();
  return std::monostate{};
}

// Carries out decoded calls, one overload each, and encodes the answer.
class Answerer {
 public:
  Answerer(const Served& served, SecretBuffer& out, std::uint64_t call_id)
      : unit_(served.unit),
        records_(served.records),
        transfers_(served.transfers),
        out_(out),
        id_(call_id) {}

  void operator()(const CreateUnitsCall& c) {
    answer(Op::CreateUnits, unit_.create_units(c.instance, c.region, c.counts));
  }
  void operator()(const ResizeUnitsCall& c) {
    answer(Op::ResizeUnits, unit_.resize_units(c.instance, c.counts));
  }
  void operator()(const ResealCall& c) {
    answer(Op::Reseal, unit_.reseal(c.purpose, c.binding, c.blob, c.target));
  }
  void operator()(const SealingCall&) { answer(Op::Sealing, unit_.sealing()); }
  void operator()(const ChangeSealingCall& c) {
    answer(Op::ChangeSealing, unit_.change_sealing(c.change));
  }
  void operator()(const RemoveUnitsCall& c) {
    answer(Op::RemoveUnits, no_value(unit_.remove_units(c.instance)));
  }
  void operator()(const ListUnitsCall& c) { answer(Op::ListUnits, unit_.list_units(c.instance)); }
  void operator()(const AdministerCall& c) {
    answer(Op::Administer, unit_.administer(c.instance, c.unit, c.request));
  }
  void operator()(const AttestationRootCall&) {
    answer(Op::AttestationRoot, unit_.attestation_root());
  }
  void operator()(const GenerateRootKeyCall& c) {
    answer(Op::GenerateRootKey, unit_.generate_root_key(c.binding));
  }
  void operator()(const ImportRootKeyCall& c) {
    answer(Op::ImportRootKey, unit_.import_root_key(c.binding, c.material));
  }
  void operator()(const CreateStandardKeyCall& c) {
    answer(Op::CreateStandardKey, unit_.create_standard_key(c.binding, c.payload));
  }
  void operator()(const OpenStandardKeyCall& c) {
    answer(Op::OpenStandardKey, unit_.open_standard_key(c.binding, c.blob));
  }
  void operator()(const WrapCall& c) {
    answer(Op::Wrap, unit_.wrap(c.binding, c.blob, c.dek, c.aad));
  }
  void operator()(const UnwrapCall& c) {
    Newest newest{};
    if (c.newest) newest = {c.newest->binding, &c.newest->blob};
    answer(Op::Unwrap,
           unit_.unwrap(c.binding, c.blob, c.wrapped_dek, c.aad, c.newest ? &newest : nullptr));
  }
  void operator()(const RewrapCall& c) {
    answer(Op::Rewrap, unit_.rewrap(c.binding, c.blob, c.wrapped_dek, c.aad,
                                    Newest{c.newest.binding, &c.newest.blob}));
  }
  void operator()(const CreateImportTokenCall& c) {
    answer(Op::CreateImportToken, unit_.create_import_token(c.token));
  }
  void operator()(const ImportEncryptedRootKeyCall& c) {
    answer(Op::ImportEncryptedRootKey,
           unit_.import_encrypted_root_key(c.binding, c.token, c.private_key, c.material));
  }
  void operator()(const DropCall& c) { answer(Op::Drop, no_value(unit_.drop(c.blobs))); }
  void operator()(const RecordStatusCall&) {
    ask(Op::RecordStatus, [](auto& records) { return records.record_status(); });
  }
  void operator()(const SealRecordsCall& c) {
    ask(Op::SealRecords, [&](auto& records) { return records.seal_records(c.group, c.changes); });
  }
  void operator()(const SettleRecordsCall& c) {
    ask(Op::SettleRecords,
        [&](auto& records) { return no_value(records.settle_records(c.group, c.committed)); });
  }
  void operator()(const BeginGuardingCall&) {
    ask(Op::BeginGuarding, [](auto& records) { return no_value(records.begin_guarding()); });
  }
  void operator()(const BeginRecordCheckCall&) {
    ask(Op::BeginRecordCheck, [](auto& records) { return records.begin_record_check(); });
  }
  void operator()(const CheckRecordsCall& c) {
    ask(Op::CheckRecords, [&](auto& records) { return records.check_records(c.check, c.records); });
  }
  void operator()(const EndRecordCheckCall& c) {
    ask(Op::EndRecordCheck, [&](auto& records) { return records.end_record_check(c.check); });
  }
  void operator()(const RenewRecordKeyCall& c) {
    ask(Op::RenewRecordKey, [&](auto& records) { return records.renew_record_key(c.scope); });
  }
  void operator()(const RecordRenewalCall& c) {
    ask(Op::RecordRenewal, [&](auto& records) { return records.record_renewal(c.scope); });
  }
  void operator()(const TransfersCall& c) {
    carry(Op::Transfers, [&](auto& transfers) { return transfers.transfers(c.instance); });
  }
  void operator()(const ExportChunkCall& c) {
    carry(Op::ExportChunk, [&](auto& transfers) {
      return transfers.export_chunk(c.instance, c.transfer, c.index, c.keys);
    });
  }
  void operator()(const SignManifestCall& c) {
    carry(Op::SignManifest, [&](auto& transfers) -> Result<SignedManifest> {
      return SignedManifest{
          KH_TRY(transfers.sign_manifest(c.instance, c.transfer, c.keys, c.chunks))};
    });
  }
  void operator()(const ImportChunkCall& c) {
    carry(Op::ImportChunk, [&](auto& transfers) {
      return transfers.import_chunk(c.instance, c.manifest, c.index, c.chunk);
    });
  }
  void operator()(const CloseTransferCall& c) {
    carry(Op::CloseTransfer, [&](auto& transfers) {
      return no_value(transfers.close_transfer(c.instance, c.transfer));
    });
  }

 private:
  template <class Question>
  void ask(Op op, Question question) {
    using Answer = decltype(question(*records_));
    if (records_ != nullptr) return answer(op, question(*records_));
    answer(op, Answer(Error{Reason::NotSupported, "this channel is not for stored records", ""}));
  }
  template <class Question>
  void carry(Op op, Question question) {
    using Answer = decltype(question(*transfers_));
    if (transfers_ != nullptr) return answer(op, question(*transfers_));
    answer(op,
           Answer(Error{Reason::NotSupported, "this channel is not for transfers of keys", ""}));
  }
  template <class Value>
  void answer(Op op, const Result<Value>& result) {
    if (encode_answer(out_, id_, op, result)) return;
    // An answer above its limits: say so in its place, or the calls behind it would get the wrong
    // answers.
    const Result<std::monostate> too_large =
        Error{Reason::Internal, "the crypto unit's answer is too large", ""};
    KH_ASSERT(encode_answer(out_, id_, op, too_large).has_value());
  }
  unit::CryptoUnit& unit_;
  unit::RecordGuard* records_;
  unit::KeyTransfer* transfers_;
  SecretBuffer& out_;
  std::uint64_t id_;
};

class Channel {
 public:
  Channel(int fd, const Served& served, ServeCounters& counters)
      : fd_(fd), served_(served), counters_(counters) {}

  Result<void> run() {
    Result<void> result = serve_calls();
    // The peer closed while answers were on their way: nobody waits for them, and it is no fault.
    if (!result && result.error().reason == Reason::ShuttingDown) return {};
    return result;
  }

 private:
  Result<void> serve_calls() {
    widen_socket_buffers(fd_);
    SecretWriter(out_).raw(hello_frame(Side::Unit));
    KH_TRY(flush());
    for (;;) {
      const auto count = KH_TRY(receive_some(fd_, in_, missing_bytes(in_.filled()), Wait::Block));
      counters_.reads.fetch_add(1, std::memory_order_relaxed);
      if (!count || *count == 0) return end_of_stream();
      KH_TRY(process());
      KH_TRY(flush());
    }
  }

  Result<void> end_of_stream() const {
    if (in_.empty()) return {};
    return Error{Reason::InvalidArgument, "channel: the stream ended inside a frame", ""};
  }

  Result<void> process() {
    for (;;) {
      const std::optional<ByteView> body = KH_TRY(first_frame(in_.filled()));
      if (!body) return {};
      KH_TRY(greeted_ ? handle(*body) : check_hello(*body, Side::Server));
      greeted_ = true;
      in_.consume(kFramePrefixSize + body->size());
      if (out_.size() > kMaxBatchedAnswerBytes) KH_TRY(flush());
    }
  }

  Result<void> handle(ByteView body) {
    Request request = KH_TRY(decode_request(body));
    counters_.calls.fetch_add(1, std::memory_order_relaxed);
    if (monotonic_us() > request.header.deadline_us) {
      counters_.expired.fetch_add(1, std::memory_order_relaxed);
      const Result<std::monostate> late =
          Error{Reason::UnitUnavailable, "the crypto unit is overloaded", ""};
      return encode_answer(out_, request.header.call_id, Op{body[0]}, late);
    }
    std::visit(Answerer(served_, out_, request.header.call_id), request.call);
    return {};
  }

  Result<void> flush() {
    std::uint64_t writes = 0;
    Result<void> sent = send_all(fd_, out_, 0, writes);
    counters_.writes.fetch_add(writes, std::memory_order_relaxed);
    return sent;
  }

  int fd_;
  Served served_;
  ServeCounters& counters_;
  bool greeted_ = false;
  SecretBuffer in_{kBufferSize, kMaxFrameSize};
  SecretBuffer out_{kBufferSize, kMaxBatchedAnswerBytes + 2 * kMaxFrameSize};
};

}  // namespace

Result<void> serve(int fd, const Served& served, ServeCounters* counters) {
  ServeCounters unread;
  return Channel(fd, served, counters != nullptr ? *counters : unread).run();
}

}  // namespace keyhaven::channel
