// The unit's side of the helper.
#include "unitd/sealing_helper.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "unitd/sealing_file.h"
#include "unitd/sealing_helper_frames.h"

namespace keyhaven::unitd {
namespace {

Error gone(const char* what) {
  return {Reason::UnitUnavailable,
          std::string("the sealing helper ") + what + "; restart the unit to have it again",
          {}};
}

Error odd_answer() { return {Reason::Internal, "the sealing helper answers oddly", {}}; }

}  // namespace

// A Sealing that lives in the helper.
class RemoteSealing final : public Sealing {
 public:
  RemoteSealing(SealingHelper& helper, std::uint32_t id, unit::SealingMethod method)
      : helper_(helper), id_(id), method_(method) {}
  ~RemoteSealing() override { (void)helper_.call(request(HelperCall::Forget)); }

  unit::SealingMethod method() const noexcept override { return method_; }
  std::string reference() const override { return reference_; }
  bool detects_old_state() const noexcept override { return has_age_; }

  Result<WrappedKey> wrap(const SecretBytes& data_key, Occasion occasion) override {
    KH_ASSERT(data_key.size() == kDataKeySize);
    Bytes frame = request(HelperCall::Wrap);
    Writer writer(frame);
    writer.u8(occasion == Occasion::Change ? 1 : 0);
    writer.raw(data_key.expose());
    const SecretBytes answer = KH_TRY(helper_.call(std::move(frame)));
    Reader in(answer.expose());
    WrappedKey out;
    out.parameters = to_bytes(in.bytes32(kMaxSealingParameters));
    out.wrapped = to_bytes(in.bytes32(kMaxWrappedKey));
    KH_TRY(read_description(in));
    return out;
  }
  Result<SecretBytes> unwrap(const WrappedKey& stored) override {
    Bytes frame = request(HelperCall::Unwrap);
    Writer writer(frame);
    writer.bytes32(stored.parameters);
    writer.bytes32(stored.wrapped);
    const SecretBytes answer = KH_TRY(helper_.call(std::move(frame)));
    Reader in(answer.expose());
    SecretBytes key = SecretBytes::copy_of(in.raw(kDataKeySize));
    KH_TRY(read_description(in));
    return key;
  }
  void committed() override { (void)helper_.call(request(HelperCall::Committed)); }
  void abandoned() override { (void)helper_.call(request(HelperCall::Abandoned)); }
  void retire(unit::SealingMethod successor) override {
    Bytes frame = request(HelperCall::Retire);
    Writer(frame).u16(static_cast<std::uint16_t>(successor));
    (void)helper_.call(std::move(frame));
  }
  Result<void> check_age(std::uint64_t age) override {
    Bytes frame = request(HelperCall::CheckAge);
    Writer(frame).u64(age);
    KH_TRY(helper_.call(std::move(frame)));
    return {};
  }
  Result<std::uint64_t> age_of_next() override {
    const SecretBytes answer = KH_TRY(helper_.call(request(HelperCall::AgeOfNext)));
    Reader in(answer.expose());
    const std::uint64_t age = in.u64();
    if (!in.at_end()) return odd_answer();
    return age;
  }
  void saved() override { (void)helper_.call(request(HelperCall::Saved)); }

 private:
  Bytes request(HelperCall call) const {
    Bytes frame = new_helper_frame();
    Writer writer(frame);
    writer.u8(static_cast<std::uint8_t>(call));
    writer.u32(id_);
    return frame;
  }
  Result<void> read_description(Reader& in) {
    reference_ = std::string(in.text32(kMaxReferenceBytes * 2));
    has_age_ = in.u8() != 0;
    if (!in.at_end()) return odd_answer();
    return {};
  }

  SealingHelper& helper_;
  std::uint32_t id_;
  unit::SealingMethod method_;
  std::string reference_;
  bool has_age_ = false;
};

Result<SecretBytes> SealingHelper::call(Bytes request) {
  const WipeOnExit wiped(request);
  const std::lock_guard lock(mutex_);
  if (!socket_.valid()) return gone("does not answer");
  if (::write(socket_.get(), request.data(), request.size()) !=
      static_cast<ssize_t>(request.size())) {
    socket_.reset();
    return gone("has ended");
  }
  pollfd waiting{socket_.get(), POLLIN, 0};
  const auto until = std::chrono::steady_clock::now() + deadline_;
  int ready = 0;
  do {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  } while (ready < 0 && errno == EINTR);
  SecretBytes answer(kMaxHelperFrame);
  const auto space = answer.expose_mutable();
  const ssize_t size = ready > 0 ? ::read(socket_.get(), space.data(), space.size()) : -1;
  if (size <= 0) {  // a late answer must not be taken for that of another call
    socket_.reset();
    return ready == 0 ? gone("did not answer in time") : gone("has ended");
  }
  Reader in(space.first(static_cast<std::size_t>(size)));
  if (in.u8() == 1) return SecretBytes::copy_of(in.rest());
  const std::uint16_t reason = in.u16();
  const std::string message(in.text32(1024));
  if (!in.at_end() || reason >= kReasonCount) return odd_answer();
  return Error{static_cast<Reason>(reason), message, {}};
}

Result<std::unique_ptr<Sealing>> SealingHelper::opened(Bytes request, unit::SealingMethod method) {
  const SecretBytes answer = KH_TRY(call(std::move(request)));
  Reader in(answer.expose());
  const std::uint32_t id = in.u32();
  if (!in.at_end()) return odd_answer();
  return std::unique_ptr<Sealing>(std::make_unique<RemoteSealing>(*this, id, method));
}

Result<std::unique_ptr<Sealing>> SealingHelper::create(unit::SealingMethod method,
                                                       const std::string& reference) {
  Bytes request = new_helper_frame();
  Writer writer(request);
  writer.u8(static_cast<std::uint8_t>(HelperCall::Create));
  writer.u16(static_cast<std::uint16_t>(method));
  writer.text32(reference);
  return opened(std::move(request), method);
}

Result<std::unique_ptr<Sealing>> SealingHelper::stored(unit::SealingMethod method,
                                                       ByteView parameters) {
  Bytes request = new_helper_frame();
  Writer writer(request);
  writer.u8(static_cast<std::uint8_t>(HelperCall::Stored));
  writer.u16(static_cast<std::uint16_t>(method));
  writer.bytes32(parameters);
  return opened(std::move(request), method);
}

// --- UnitSealings ---

namespace {

bool is_local(unit::SealingMethod method) {
  return method == unit::SealingMethod::KeyFile || method == unit::SealingMethod::None;
}

Error no_helper(unit::SealingMethod method) {
  return {Reason::NotSupported,
          "sealing by " + std::string(name_of(method)) +
              " needs what the configuration does not name; set unit.credentials_directory, "
              "unit.passphrase_from, unit.tpm2_tcti or unit.sealing_pkcs11_module and start the "
              "server again",
          {}};
}

}  // namespace

Result<std::unique_ptr<Sealing>> UnitSealings::create(unit::SealingMethod method,
                                                      const std::string& reference) {
  if (reference.size() > kMaxReferenceBytes)
    return Error{Reason::InvalidField, "the reference is longer than 256 bytes", "reference"};
  if (is_local(method)) {
    if (!reference.empty() && reference != key_file_) {
      return Error{Reason::InvalidField,
                   "sealing by " + std::string(name_of(method)) +
                       " takes no reference; the key file is unit.key_file",
                   "reference"};
    }
    return std::unique_ptr<Sealing>(std::make_unique<KeyFileSealing>(key_file_, method));
  }
  if (!helper_) return no_helper(method);
  return helper_->create(method, reference);
}

Result<std::unique_ptr<Sealing>> UnitSealings::stored(unit::SealingMethod method,
                                                      ByteView parameters) {
  if (is_local(method)) {
    if (!parameters.empty()) return damaged_parameters();
    return std::unique_ptr<Sealing>(std::make_unique<KeyFileSealing>(key_file_, method));
  }
  if (!helper_) return no_helper(method);
  return helper_->stored(method, parameters);
}

}  // namespace keyhaven::unitd
