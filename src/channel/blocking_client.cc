#include "channel/blocking_client.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>
#include <utility>

#include "channel/socket_io.h"

namespace keyhaven::channel {
namespace {

constexpr std::size_t kMaxQueuedBytes = 1024 * 1024;

Error unavailable(const std::string& cause) { return Error{Reason::UnitUnavailable, cause, ""}; }
Error unreadable() { return unavailable("the crypto unit gave an answer that cannot be read"); }

}  // namespace

// One socket from attach to its end.
class BlockingClient::Connection {
 public:
  explicit Connection(FileDescriptor socket) : socket_(std::move(socket)) {
    widen_socket_buffers(socket_.get());
    SecretWriter(out_).raw(hello_frame(Side::Server));
    std::uint64_t writes = 0;
    (void)send_all(socket_.get(), out_, monotonic_us() + 1'000'000,
                   writes);  // a failure shows in the reader
    reader_ = std::thread([this] { read_answers(); });
  }
  ~Connection() {
    break_off("the crypto unit is gone");
    reader_.join();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends what `encode` writes and yields the body of the answer.
  Result<SecretBytes> exchange(
      std::uint64_t deadline_us, std::size_t max_pending,
      const std::function<Result<void>(SecretBuffer&, CallHeader)>& encode) {
    auto waiting = std::make_shared<Waiting>();
    std::unique_lock lock(mutex_);
    if (broken_) return unavailable(cause_);
    if (pending_.size() >= max_pending || out_.size() > kMaxQueuedBytes) {
      return unavailable("too many calls wait for the crypto unit");
    }
    waiting->call_id = next_id_;
    KH_TRY(encode(out_, CallHeader{next_id_, deadline_us}));
    ++next_id_;
    pending_.push_back(waiting);
    write_for_all(lock, deadline_us);
    const auto is_over = [&] { return waiting->answered || broken_; };
    const auto until =
        std::chrono::steady_clock::time_point(std::chrono::microseconds(deadline_us));
    if (!waiting->changed.wait_until(lock, until, is_over)) {
      return unavailable("the crypto unit did not answer in time");
    }
    if (!waiting->answered) return unavailable(cause_);
    return std::move(waiting->body);
  }

  // Fails everything on this connection; the first cause is kept.
  void break_off(const std::string& cause) {
    {
      const std::lock_guard lock(mutex_);
      if (!broken_) {
        broken_ = true;
        cause_ = cause;
      }
      for (const auto& waiting : pending_) waiting->changed.notify_one();
    }
    (void)::shutdown(socket_.get(), SHUT_RDWR);  // wakes the reader
  }

 private:
  // A call under way; the reader fills it in under the mutex. Each has a condition of its own: an
  // answer wakes the thread it is for, not all that wait.
  struct Waiting {
    std::condition_variable changed;
    std::uint64_t call_id = 0;
    bool answered = false;
    SecretBytes body;
  };

  // Unless another thread is at it: writes what all threads have queued, until nothing is left.
  // Only the writer touches `sending_`, so it writes without the lock.
  void write_for_all(std::unique_lock<std::mutex>& lock, std::uint64_t deadline_us) {
    if (writing_) return;
    writing_ = true;
    while (!out_.empty() && !broken_) {
      std::swap(out_, sending_);
      lock.unlock();
      std::uint64_t writes = 0;
      const Result<void> sent = send_all(socket_.get(), sending_, deadline_us, writes);
      sending_.clear();
      if (!sent)
        break_off(
            "the crypto unit takes no calls");  // perhaps half a frame went out: no way to go on
      lock.lock();
    }
    writing_ = false;
  }

  void read_answers() {
    for (;;) {
      const Result<bool> more = read_some();
      if (!more) return break_off("the crypto unit broke the protocol");
      if (!more.value()) return break_off("the crypto unit is gone");
    }
  }

  Result<bool> read_some() {
    const auto count =
        KH_TRY(receive_some(socket_.get(), in_, missing_bytes(in_.filled()), Wait::Block));
    if (!count || *count == 0) return false;
    for (;;) {
      const std::optional<ByteView> body = KH_TRY(first_frame(in_.filled()));
      if (!body) return true;
      KH_TRY(greeted_ ? hand_out(*body) : check_hello(*body, Side::Unit));
      greeted_ = true;
      in_.consume(kFramePrefixSize + body->size());
    }
  }

  Result<void> hand_out(ByteView body) {
    const AnswerView answer = KH_TRY(decode_answer(body));
    std::shared_ptr<Waiting> waiting;
    {
      const std::lock_guard lock(mutex_);
      if (pending_.empty() || pending_.front()->call_id != answer.call_id) {
        return Error{Reason::InvalidArgument, "channel: an answer to no call", ""};
      }
      waiting = std::move(pending_.front());
      pending_.pop_front();
      waiting->body = SecretBytes::copy_of(body);
      waiting->answered = true;
    }
    waiting->changed.notify_one();
    return {};
  }

  FileDescriptor socket_;
  std::mutex mutex_;
  bool broken_ = false;
  bool writing_ = false;
  std::string cause_;
  std::uint64_t next_id_ = 1;
  std::deque<std::shared_ptr<Waiting>> pending_;  // in the order of the calls in the stream
  SecretBuffer out_{kBufferSize, kMaxQueuedBytes + kMaxFrameSize};
  SecretBuffer sending_{kBufferSize, kMaxQueuedBytes + kMaxFrameSize};
  SecretBuffer in_{kBufferSize, kMaxFrameSize + kBufferSize};  // reader thread only
  bool greeted_ = false;                                       // reader thread only
  std::thread reader_;
};

BlockingClient::BlockingClient(BlockingClientOptions options) : options_(options) {}

BlockingClient::~BlockingClient() { replace(nullptr, "the server is stopping"); }

void BlockingClient::attach(FileDescriptor socket) {
  replace(std::make_shared<Connection>(std::move(socket)), "the crypto unit was restarted");
}

void BlockingClient::detach(const std::string& cause) { replace(nullptr, cause); }

void BlockingClient::replace(std::shared_ptr<Connection> fresh, const std::string& cause) {
  {
    const std::lock_guard lock(mutex_);
    std::swap(connection_, fresh);
  }
  if (fresh != nullptr) fresh->break_off(cause);
}

template <class T, class Encode>
Result<T> BlockingClient::call(Op op, Encode encode) {
  std::shared_ptr<Connection> connection;
  {
    const std::lock_guard lock(mutex_);
    connection = connection_;
  }
  if (connection == nullptr)
    return unavailable("the crypto unit is not running; it is being restarted");
  const std::uint64_t deadline_us =
      monotonic_us() + static_cast<std::uint64_t>(options_.deadline.count()) * 1000;
  const SecretBytes body = KH_TRY(connection->exchange(deadline_us, options_.max_pending, encode));
  AnswerView answer = KH_TRY(decode_answer(body.expose()));
  if (answer.op != op) return unreadable();
  if (answer.error) return std::move(*answer.error);
  auto value = decode_value<T>(answer.value);
  if (!value) return unreadable();
  return value;
}

Result<std::vector<unit::UnitStatus>> BlockingClient::create_units(const InstanceId& instance,
                                                                   const std::string& region,
                                                                   unit::UnitCounts counts) {
  return call<std::vector<unit::UnitStatus>>(
      Op::CreateUnits, [&](SecretBuffer& out, CallHeader header) {
        return encode_create_units(out, header, instance, region, counts);
      });
}

Result<std::vector<unit::UnitStatus>> BlockingClient::resize_units(const InstanceId& instance,
                                                                   unit::UnitCounts counts) {
  return call<std::vector<unit::UnitStatus>>(
      Op::ResizeUnits, [&](SecretBuffer& out, CallHeader header) {
        return encode_resize_units(out, header, instance, counts);
      });
}

Result<void> BlockingClient::remove_units(const InstanceId& instance) {
  KH_TRY(call<std::monostate>(Op::RemoveUnits, [&](SecretBuffer& out, CallHeader header) {
    return encode_remove_units(out, header, instance);
  }));
  return {};
}

Result<std::vector<unit::UnitStatus>> BlockingClient::list_units(const InstanceId& instance) {
  return call<std::vector<unit::UnitStatus>>(Op::ListUnits,
                                             [&](SecretBuffer& out, CallHeader header) {
                                               return encode_list_units(out, header, instance);
                                             });
}

Result<std::string> BlockingClient::administer(const InstanceId& instance, const UnitId& unit,
                                               const std::string& request) {
  return call<std::string>(Op::Administer, [&](SecretBuffer& out, CallHeader header) {
    return encode_administer(out, header, instance, unit, request);
  });
}

Result<Bytes> BlockingClient::attestation_root() {
  return call<Bytes>(Op::AttestationRoot, [&](SecretBuffer& out, CallHeader header) {
    return encode_attestation_root(out, header);
  });
}

Result<unit::SealingStatus> BlockingClient::sealing() {
  return call<unit::SealingStatus>(Op::Sealing, [&](SecretBuffer& out, CallHeader header) {
    return encode_sealing(out, header);
  });
}

Result<unit::SealingStatus> BlockingClient::change_sealing(const unit::SealingChange& change) {
  return call<unit::SealingStatus>(Op::ChangeSealing, [&](SecretBuffer& out, CallHeader header) {
    return encode_change_sealing(out, header, change);
  });
}

Result<unit::KeyBlob> BlockingClient::reseal(unit::BlobPurpose purpose,
                                             const unit::KeyBinding& binding,
                                             const unit::KeyBlob& blob,
                                             const unit::BlobPattern& target) {
  return call<unit::KeyBlob>(Op::Reseal, [&](SecretBuffer& out, CallHeader header) {
    return encode_reseal(out, header, purpose, binding, blob, target);
  });
}

Result<unit::SealedRootKey> BlockingClient::generate_root_key(const unit::KeyBinding& binding) {
  return call<unit::SealedRootKey>(Op::GenerateRootKey, [&](SecretBuffer& out, CallHeader header) {
    return encode_generate_root_key(out, header, binding);
  });
}

Result<unit::SealedRootKey> BlockingClient::import_root_key(const unit::KeyBinding& binding,
                                                            const SecretBytes& material) {
  return call<unit::SealedRootKey>(Op::ImportRootKey, [&](SecretBuffer& out, CallHeader header) {
    return encode_import_root_key(out, header, binding, material);
  });
}

Result<unit::ImportTokenKey> BlockingClient::create_import_token(const unit::KeyBinding& token) {
  return call<unit::ImportTokenKey>(Op::CreateImportToken,
                                    [&](SecretBuffer& out, CallHeader header) {
                                      return encode_create_import_token(out, header, token);
                                    });
}

Result<unit::SealedRootKey> BlockingClient::import_encrypted_root_key(
    const unit::KeyBinding& binding, const unit::KeyBinding& token,
    const unit::KeyBlob& private_key, const unit::EncryptedMaterial& material) {
  return call<unit::SealedRootKey>(
      Op::ImportEncryptedRootKey, [&](SecretBuffer& out, CallHeader header) {
        return encode_import_encrypted_root_key(out, header, binding, token, private_key, material);
      });
}

Result<unit::KeyBlob> BlockingClient::create_standard_key(const unit::KeyBinding& binding,
                                                          const SecretBytes& payload) {
  return call<unit::KeyBlob>(Op::CreateStandardKey, [&](SecretBuffer& out, CallHeader header) {
    return encode_create_standard_key(out, header, binding, payload);
  });
}

Result<SecretBytes> BlockingClient::open_standard_key(const unit::KeyBinding& binding,
                                                      const unit::KeyBlob& blob) {
  return call<SecretBytes>(Op::OpenStandardKey, [&](SecretBuffer& out, CallHeader header) {
    return encode_open_standard_key(out, header, binding, blob);
  });
}

Result<unit::WrapResult> BlockingClient::wrap(const unit::KeyBinding& binding,
                                              const unit::KeyBlob& blob, const SecretBytes& dek,
                                              const unit::AadList& aad) {
  return call<unit::WrapResult>(Op::Wrap, [&](SecretBuffer& out, CallHeader header) {
    return encode_wrap(out, header, binding, blob, dek.expose(), aad);
  });
}

Result<unit::UnwrapResult> BlockingClient::unwrap(const unit::KeyBinding& binding,
                                                  const unit::KeyBlob& blob, ByteView wrapped_dek,
                                                  const unit::AadList& aad, const Newest* newest) {
  return call<unit::UnwrapResult>(Op::Unwrap, [&](SecretBuffer& out, CallHeader header) {
    return encode_unwrap(out, header, binding, blob, wrapped_dek, aad, newest);
  });
}

Result<Bytes> BlockingClient::rewrap(const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                                     ByteView wrapped_dek, const unit::AadList& aad,
                                     const Newest& newest) {
  return call<Bytes>(Op::Rewrap, [&](SecretBuffer& out, CallHeader header) {
    return encode_rewrap(out, header, binding, blob, wrapped_dek, aad, newest);
  });
}

Result<void> BlockingClient::drop(const std::vector<unit::KeyBlob>& blobs) {
  std::span<const unit::KeyBlob> rest(blobs);
  do {  // an empty drop goes out too: it is a fence
    const std::span<const unit::KeyBlob> chunk = rest.first(drop_chunk(rest));
    KH_TRY(call<std::monostate>(Op::Drop, [&](SecretBuffer& out, CallHeader header) {
      return encode_drop(out, header, chunk);
    }));
    rest = rest.subspan(chunk.size());
  } while (!rest.empty());
  return {};
}

// --- Stored records ---

Result<unit::RecordGuardStatus> BlockingClient::record_status() {
  return call<unit::RecordGuardStatus>(Op::RecordStatus, [](SecretBuffer& out, CallHeader header) {
    return encode_plain(out, header, Op::RecordStatus);
  });
}

Result<std::vector<unit::RecordSeal>> BlockingClient::seal_records(
    std::uint64_t group, const std::vector<unit::RecordChange>& changes) {
  auto seals = call<std::vector<unit::RecordSeal>>(
      Op::SealRecords, [&](SecretBuffer& out, CallHeader header) {
        return encode_seal_records(out, header, group, changes);
      });
  if (seals && seals->size() != changes.size()) return unreadable();
  return seals;
}

Result<void> BlockingClient::settle_records(std::uint64_t group, bool committed) {
  KH_TRY(call<std::monostate>(Op::SettleRecords, [&](SecretBuffer& out, CallHeader header) {
    return encode_settle_records(out, header, group, committed);
  }));
  return {};
}

Result<void> BlockingClient::begin_guarding() {
  KH_TRY(call<std::monostate>(Op::BeginGuarding, [](SecretBuffer& out, CallHeader header) {
    return encode_plain(out, header, Op::BeginGuarding);
  }));
  return {};
}

Result<std::uint64_t> BlockingClient::begin_record_check() {
  return call<std::uint64_t>(Op::BeginRecordCheck, [](SecretBuffer& out, CallHeader header) {
    return encode_plain(out, header, Op::BeginRecordCheck);
  });
}

Result<std::vector<unit::RecordVerdict>> BlockingClient::check_records(
    std::uint64_t check, const std::vector<unit::StoredRecord>& records) {
  auto verdicts = call<std::vector<unit::RecordVerdict>>(
      Op::CheckRecords, [&](SecretBuffer& out, CallHeader header) {
        return encode_check_records(out, header, check, records);
      });
  if (verdicts && verdicts->size() != records.size()) return unreadable();
  return verdicts;
}

Result<unit::RecordCheckResult> BlockingClient::end_record_check(std::uint64_t check) {
  return call<unit::RecordCheckResult>(Op::EndRecordCheck,
                                       [&](SecretBuffer& out, CallHeader header) {
                                         return encode_end_record_check(out, header, check);
                                       });
}

Result<std::uint64_t> BlockingClient::renew_record_key(const unit::RecordScope& scope) {
  return call<std::uint64_t>(Op::RenewRecordKey, [&](SecretBuffer& out, CallHeader header) {
    return encode_of_scope(out, header, Op::RenewRecordKey, scope);
  });
}

Result<unit::RecordGuard::Renewal> BlockingClient::record_renewal(const unit::RecordScope& scope) {
  return call<Renewal>(Op::RecordRenewal, [&](SecretBuffer& out, CallHeader header) {
    return encode_of_scope(out, header, Op::RecordRenewal, scope);
  });
}

// --- Transfers of keys ---

Result<unit::TransferStatus> BlockingClient::transfers(const InstanceId& instance) {
  return call<unit::TransferStatus>(Op::Transfers, [&](SecretBuffer& out, CallHeader header) {
    return encode_of_scope(out, header, Op::Transfers, instance);
  });
}

Result<unit::TransferChunk> BlockingClient::export_chunk(
    const InstanceId& instance, const Uuid& transfer, std::uint32_t index,
    const std::vector<unit::TransferKey>& keys) {
  return call<unit::TransferChunk>(Op::ExportChunk, [&](SecretBuffer& out, CallHeader header) {
    return encode_export_chunk(out, header, instance, transfer, index, keys);
  });
}

Result<Bytes> BlockingClient::sign_manifest(const InstanceId& instance, const Uuid& transfer,
                                            std::uint32_t keys,
                                            const std::vector<unit::ChunkProof>& chunks) {
  SignedManifest manifest =
      KH_TRY(call<SignedManifest>(Op::SignManifest, [&](SecretBuffer& out, CallHeader header) {
        return encode_sign_manifest(out, header, instance, transfer, keys, chunks);
      }));
  return std::move(manifest.bytes);
}

Result<std::vector<unit::TransferKey>> BlockingClient::import_chunk(const InstanceId& instance,
                                                                    ByteView manifest,
                                                                    std::uint32_t index,
                                                                    ByteView chunk) {
  return call<std::vector<unit::TransferKey>>(
      Op::ImportChunk, [&](SecretBuffer& out, CallHeader header) {
        return encode_import_chunk(out, header, instance, manifest, index, chunk);
      });
}

Result<void> BlockingClient::close_transfer(const InstanceId& instance, const Uuid& transfer) {
  KH_TRY(call<std::monostate>(Op::CloseTransfer, [&](SecretBuffer& out, CallHeader header) {
    return encode_close_transfer(out, header, instance, transfer);
  }));
  return {};
}

}  // namespace keyhaven::channel
