// The helper's side: holds a few Sealing objects and does as it is told.
#include <unistd.h>

#include <cerrno>
#include <map>

#include "unitd/sealing_helper.h"
#include "unitd/sealing_helper_frames.h"

namespace keyhaven::unitd {
namespace {

constexpr std::size_t kMaxObjects = 8;
constexpr int kBrokenStatus = 3;

Error broken() { return {Reason::InvalidArgument, "a request that the helper does not know", {}}; }

class Helper {
 public:
  explicit Helper(const SealingMeans& means) : means_(means) {}

  // The answer to one request.
  Bytes answer(ByteView request) {
    Bytes out = new_helper_frame();
    out.push_back(1);
    Writer result(out);
    if (const auto done = serve(request, result); !done) {
      wipe(out);
      out.clear();
      Writer refusal(out);
      refusal.u8(0);
      refusal.u16(static_cast<std::uint16_t>(done.error().reason));
      refusal.text32(std::string_view(done.error().message).substr(0, 1024));
    }
    return out;
  }

 private:
  Result<void> serve(ByteView request, Writer& result) {
    Reader in(request);
    const auto call = static_cast<HelperCall>(in.u8());
    if (call == HelperCall::Create || call == HelperCall::Stored) return open(call, in, result);
    const std::uint32_t id = in.u32();
    if (call == HelperCall::Forget) {
      objects_.erase(id);
      return {};
    }
    const auto found = objects_.find(id);
    if (!in.ok() || found == objects_.end()) return broken();
    return serve_object(call, *found->second, in, result);
  }

  Result<void> open(HelperCall call, Reader& in, Writer& result) {
    const auto method = static_cast<unit::SealingMethod>(in.u16());
    const ByteView description = in.bytes32(kMaxSealingParameters);
    if (!in.at_end() || objects_.size() >= kMaxObjects) return broken();
    auto opened = call == HelperCall::Create
                      ? new_sealing(means_, method, std::string(as_text(description)))
                      : stored_sealing(means_, method, description);
    if (!opened) return opened.error();
    objects_[++last_id_] = std::move(opened).value();
    result.u32(last_id_);
    return {};
  }

  static void describe(const Sealing& sealing, Writer& result) {
    result.text32(sealing.reference());
    result.u8(sealing.detects_old_state() ? 1 : 0);
  }

  Result<void> serve_object(HelperCall call, Sealing& sealing, Reader& in, Writer& result) {
    switch (call) {
      case HelperCall::Wrap: {
        const bool is_change = in.u8() != 0;
        const SecretBytes key = SecretBytes::copy_of(in.raw(kDataKeySize));
        if (!in.at_end()) return broken();
        const WrappedKey wrapped =
            KH_TRY(sealing.wrap(key, is_change ? Occasion::Change : Occasion::FirstStart));
        result.bytes32(wrapped.parameters);
        result.bytes32(wrapped.wrapped);
        describe(sealing, result);
        return {};
      }
      case HelperCall::Unwrap: {
        WrappedKey stored;
        stored.parameters = to_bytes(in.bytes32(kMaxSealingParameters));
        stored.wrapped = to_bytes(in.bytes32(kMaxWrappedKey));
        if (!in.at_end()) return broken();
        const SecretBytes key = KH_TRY(sealing.unwrap(stored));
        if (key.size() != kDataKeySize)
          return Error{Reason::DecryptFailed, "the data key has an odd size", {}};
        result.raw(key.expose());
        describe(sealing, result);
        return {};
      }
      case HelperCall::Committed:
        sealing.committed();
        return {};
      case HelperCall::Abandoned:
        sealing.abandoned();
        return {};
      case HelperCall::Retire:
        sealing.retire(static_cast<unit::SealingMethod>(in.u16()));
        return {};
      case HelperCall::CheckAge:
        return sealing.check_age(in.u64());
      case HelperCall::AgeOfNext: {
        const std::uint64_t age = KH_TRY(sealing.age_of_next());
        result.u64(age);
        return {};
      }
      case HelperCall::Saved:
        sealing.saved();
        return {};
      case HelperCall::Create:
      case HelperCall::Stored:
      case HelperCall::Forget:
        return broken();
    }
    return broken();
  }

  const SealingMeans& means_;
  std::map<std::uint32_t, std::unique_ptr<Sealing>> objects_;
  std::uint32_t last_id_ = 0;
};

}  // namespace

int run_sealing_helper(FileDescriptor socket, const SealingMeans& means) {
  Helper helper(means);
  SecretBytes frame(kMaxHelperFrame);
  for (;;) {
    const auto space = frame.expose_mutable();
    const ssize_t size = ::read(socket.get(), space.data(), space.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size == 0 ? 0 : kBrokenStatus;
    Bytes answer = helper.answer(space.first(static_cast<std::size_t>(size)));
    const WipeOnExit wiped(answer);
    wipe(space);
    if (::write(socket.get(), answer.data(), answer.size()) !=
        static_cast<ssize_t>(answer.size())) {
      return kBrokenStatus;
    }
  }
}

}  // namespace keyhaven::unitd
