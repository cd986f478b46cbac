#include "channel/codec.h"

#include <gtest/gtest.h>

#include <random>

namespace keyhaven::channel {
namespace {

constexpr std::size_t kNoLimit = 4 * kMaxFrameSize;

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : engine_(seed) {}
  std::size_t up_to(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit)(engine_);
  }
  // Sizes at the limits are as likely as all others together.
  std::size_t size(std::size_t limit) {
    switch (up_to(3)) {
      case 0:
        return 0;
      case 1:
        return limit;
      default:
        return up_to(std::min<std::size_t>(limit, 300));
    }
  }
  Bytes bytes(std::size_t count) {
    Bytes out(count);
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
    return out;
  }
  std::string text(std::size_t count) { return std::string(as_text(bytes(count))); }
  Uuid uuid() {
    Uuid out;
    for (std::uint8_t& byte : out.bytes) byte = static_cast<std::uint8_t>(engine_());
    return out;
  }
  unit::KeyBinding binding() { return {{uuid()}, {uuid()}, {uuid()}}; }
  unit::KeyBlob blob() { return {bytes(size(kMaxBlobBytes))}; }
  SecretBytes secret() { return SecretBytes::copy_of(bytes(size(kMaxSecretBytes))); }
  unit::AadList aad() {
    unit::AadList out(up_to(9) == 0 ? unit::kMaxAadEntries : up_to(4));
    for (std::string& entry : out) entry = text(size(unit::kMaxAadEntryBytes));
    return out;
  }
  NewestKey newest() { return {binding(), blob()}; }
  unit::UnitCounts counts() {
    const auto number = [this] { return static_cast<std::uint32_t>(engine_()); };
    return {number(), number(), number()};
  }
  unit::RecordScope scope() { return {uuid()}; }
  unit::RecordName name() {
    unit::RecordName out;
    out.table = static_cast<std::uint8_t>(engine_());
    out.id = uuid().bytes;
    return out;
  }
  Digest digest() {
    Digest out;
    std::ranges::copy(bytes(out.size()), out.begin());
    return out;
  }
  unit::RecordSeal seal() {
    unit::RecordSeal out;
    out.epoch = static_cast<std::uint32_t>(engine_());
    out.sequence = engine_();
    std::ranges::copy(bytes(out.tag.size()), out.tag.begin());
    return out;
  }
  SealRecordsCall seal_records() {
    SealRecordsCall call{engine_(), {}};
    for (std::size_t i = size(unit::kMaxRecordsPerCall); i > 0; --i) {
      call.changes.push_back({scope(), name(), {}});
      if (up_to(3) != 0) call.changes.back().digest = digest();
    }
    return call;
  }
  CheckRecordsCall check_records() {
    CheckRecordsCall call{engine_(), {}};
    for (std::size_t i = size(unit::kMaxRecordsPerCall); i > 0; --i) {
      call.records.push_back({scope(), name(), digest(), {}});
      if (up_to(3) != 0) call.records.back().seal = seal();
    }
    return call;
  }
  std::vector<unit::TransferKey> transfer_keys() {
    std::vector<unit::TransferKey> out(up_to(3));
    for (unit::TransferKey& key : out) {
      key = {unit::BlobPurpose(1 + up_to(1)),
             {uuid()},
             bytes(size(unit::kMaxTransferRecordBytes)),
             {}};
      for (std::size_t i = up_to(4); i < 4; ++i) {
        key.versions.push_back({{uuid()}, blob(), digest(), static_cast<std::uint16_t>(engine_())});
      }
    }
    return out;
  }
  SignManifestCall sign_manifest() {
    SignManifestCall call{{uuid()}, uuid(), static_cast<std::uint32_t>(engine_()), {}};
    for (std::size_t i = size(unit::kMaxTransferChunks); i > 0; --i)
      call.chunks.push_back({digest(), digest()});
    return call;
  }
  Call call() {
    switch (up_to(32)) {
      case 28:
        return TransfersCall{{uuid()}};
      case 29:
        return ExportChunkCall{
            {uuid()}, uuid(), static_cast<std::uint32_t>(engine_()), transfer_keys()};
      case 30:
        return sign_manifest();
      case 31:
        return ImportChunkCall{{uuid()},
                               bytes(size(unit::kMaxTransferManifestBytes)),
                               static_cast<std::uint32_t>(engine_()),
                               bytes(size(unit::kMaxTransferChunkBytes))};
      case 32:
        return CloseTransferCall{{uuid()}, uuid()};
      case 19:
        return RecordStatusCall{};
      case 20:
        return seal_records();
      case 21:
        return SettleRecordsCall{engine_(), up_to(1) == 1};
      case 22:
        return BeginGuardingCall{};
      case 23:
        return BeginRecordCheckCall{};
      case 24:
        return check_records();
      case 25:
        return EndRecordCheckCall{engine_()};
      case 26:
        return RenewRecordKeyCall{scope()};
      case 27:
        return RecordRenewalCall{scope()};
      case 0:
        return CreateUnitsCall{{uuid()}, text(size(kMaxRegionBytes)), counts()};
      case 15:
        return ResizeUnitsCall{{uuid()}, counts()};
      case 16: {
        ResealCall call{unit::BlobPurpose(1 + up_to(2)), binding(), blob(), {}};
        std::ranges::copy(bytes(call.target.size()), call.target.begin());
        return call;
      }
      case 17:
        return SealingCall{};
      case 18:
        return ChangeSealingCall{
            {unit::SealingMethod(1 + up_to(5)), text(size(kMaxReferenceBytes))}};
      case 1:
        return RemoveUnitsCall{{uuid()}};
      case 2:
        return ListUnitsCall{{uuid()}};
      case 3:
        return AdministerCall{{uuid()}, {uuid()}, text(size(kMaxAdministrationBytes))};
      case 4:
        return AttestationRootCall{};
      case 5:
        return GenerateRootKeyCall{binding()};
      case 6:
        return ImportRootKeyCall{binding(), secret()};
      case 7:
        return CreateStandardKeyCall{binding(), secret()};
      case 8:
        return OpenStandardKeyCall{binding(), blob()};
      case 9:
        return WrapCall{binding(), blob(), secret(), aad()};
      case 10: {
        UnwrapCall call{binding(), blob(), bytes(size(kMaxWrappedDekBytes)), aad(), std::nullopt};
        if (up_to(1) == 1) call.newest = newest();
        return call;
      }
      case 11:
        return RewrapCall{binding(), blob(), bytes(size(kMaxWrappedDekBytes)), aad(), newest()};
      case 12:
        return CreateImportTokenCall{binding()};
      case 13:
        return ImportEncryptedRootKeyCall{
            binding(),
            binding(),
            blob(),
            {bytes(size(unit::kMaxEncryptedMaterialBytes)),
             bytes(size(unit::kMaxEncryptedNonceBytes)), bytes(size(kMaxIvBytes)),
             up_to(1) == 0 ? unit::OaepHash::Sha1 : unit::OaepHash::Sha256}};
      default: {
        DropCall call;
        for (std::size_t i = up_to(20); i > 0; --i) call.blobs.push_back(blob());
        return call;
      }
    }
  }
  std::mt19937_64& engine() { return engine_; }

 private:
  std::mt19937_64 engine_;
};

Bytes encoded(const Request& request) {
  SecretBuffer out(kBufferSize, kNoLimit);
  EXPECT_TRUE(encode_request(out, request)) << "op " << request.call.index() + 1;
  return to_bytes(out.filled());
}

TEST(CodecTest, DecodeOfEncodeIsTheSameCall) {
  Generator random(20240501);
  for (int i = 0; i < 2000; ++i) {
    Request request{{random.engine()(), random.engine()()}, random.call()};
    const Bytes frame = encoded(request);
    auto body = first_frame(frame);
    ASSERT_TRUE(body && body.value());
    ASSERT_EQ((*body)->size() + kFramePrefixSize, frame.size());
    auto decoded = decode_request(**body);
    ASSERT_TRUE(decoded) << "op " << request.call.index() + 1;
    EXPECT_EQ(decoded->header.call_id, request.header.call_id);
    EXPECT_EQ(decoded->header.deadline_us, request.header.deadline_us);
    EXPECT_EQ(decoded->call.index(), request.call.index());
    EXPECT_EQ(encoded(*decoded), frame);
  }
}

TEST(CodecTest, EveryFieldOfUnwrapArrives) {
  Generator random(7);
  const UnwrapCall call{
      random.binding(), random.blob(), random.bytes(108), {"a", "", "zz"}, random.newest()};
  SecretBuffer out(kBufferSize, kNoLimit);
  const unit::CryptoUnit::Newest newest{call.newest->binding, &call.newest->blob};
  ASSERT_TRUE(
      encode_unwrap(out, {1, 2}, call.binding, call.blob, call.wrapped_dek, call.aad, &newest));
  auto decoded = decode_request(out.filled().subspan(kFramePrefixSize));
  ASSERT_TRUE(decoded);
  const auto& got = std::get<UnwrapCall>(decoded->call);
  EXPECT_EQ(got.binding.instance, call.binding.instance);
  EXPECT_EQ(got.binding.key, call.binding.key);
  EXPECT_EQ(got.binding.version, call.binding.version);
  EXPECT_EQ(got.blob, call.blob);
  EXPECT_EQ(got.wrapped_dek, call.wrapped_dek);
  EXPECT_EQ(got.aad, call.aad);
  EXPECT_EQ(got.newest->binding.version, call.newest->binding.version);
  EXPECT_EQ(got.newest->blob, call.newest->blob);
}

TEST(CodecTest, EveryFieldOfASecureImportArrives) {
  Generator random(8);
  const ImportEncryptedRootKeyCall call{
      random.binding(),
      random.binding(),
      random.blob(),
      {random.bytes(512), random.bytes(28), random.bytes(12), unit::OaepHash::Sha1}};
  SecretBuffer out(kBufferSize, kNoLimit);
  ASSERT_TRUE(encode_import_encrypted_root_key(out, {1, 2}, call.binding, call.token,
                                               call.private_key, call.material));
  Bytes body = to_bytes(out.filled().subspan(kFramePrefixSize));
  auto decoded = decode_request(body);
  ASSERT_TRUE(decoded);
  const auto& got = std::get<ImportEncryptedRootKeyCall>(decoded->call);
  EXPECT_EQ(got.binding.key, call.binding.key);
  EXPECT_EQ(got.token.key, call.token.key);
  EXPECT_EQ(got.private_key, call.private_key);
  EXPECT_EQ(got.material.payload, call.material.payload);
  EXPECT_EQ(got.material.encrypted_nonce, call.material.encrypted_nonce);
  EXPECT_EQ(got.material.iv, call.material.iv);
  EXPECT_EQ(got.material.hash, unit::OaepHash::Sha1);
  for (const std::uint8_t hash : Bytes{0, 3, 255}) {  // no such hash
    body.back() = hash;
    EXPECT_FALSE(decode_request(body));
  }
}

// Every prefix, one byte more, and random flips: never a crash, and what is accepted is canonical.
TEST(CodecTest, DamagedCallsAreRefusedOrCanonical) {
  Generator random(99);
  for (int i = 0; i < 300; ++i) {
    const Bytes frame = encoded({{1, 2}, random.call()});
    const Bytes body(frame.begin() + kFramePrefixSize, frame.end());
    for (std::size_t cut = 0; cut < std::min<std::size_t>(body.size(), 200); ++cut) {
      EXPECT_FALSE(decode_request(ByteView(body).first(cut)));
    }
    Bytes longer = body;
    longer.push_back(0);
    EXPECT_FALSE(decode_request(longer));
    for (int flip = 0; flip < 50; ++flip) {
      Bytes damaged = body;
      damaged[random.up_to(std::min<std::size_t>(damaged.size(), 256) - 1)] ^=
          static_cast<std::uint8_t>(1 + random.up_to(254));
      auto decoded = decode_request(damaged);
      if (!decoded) continue;
      const Bytes again = encoded(*decoded);
      EXPECT_EQ(Bytes(again.begin() + kFramePrefixSize, again.end()), damaged);
    }
  }
}

TEST(CodecTest, RandomBytesNeverCrashEitherDecoder) {
  Generator random(4242);
  for (int i = 0; i < 20000; ++i) {
    Bytes noise = random.bytes(random.up_to(120));
    if (!noise.empty()) noise[0] = static_cast<std::uint8_t>(noise[0] % 30);
    (void)decode_request(noise);
    if (noise.size() > 9) {
      noise[8] = static_cast<std::uint8_t>(noise[8] % 30);
      noise[9] = static_cast<std::uint8_t>(noise[9] % 4 == 0 ? noise[9] : 0);
    }
    (void)decode_response(noise);
  }
}

TEST(CodecTest, TheLargestLegalCallFitsInAFrame) {
  Generator random(1);
  UnwrapCall call{
      random.binding(), {Bytes(kMaxBlobBytes)}, Bytes(kMaxWrappedDekBytes), {}, std::nullopt};
  call.aad.assign(unit::kMaxAadEntries, std::string(unit::kMaxAadEntryBytes, 'x'));
  call.newest = NewestKey{random.binding(), {Bytes(kMaxBlobBytes)}};
  EXPECT_LE(encoded({{1, 2}, std::move(call)}).size(), kMaxFrameSize);
}

TEST(CodecTest, FieldsAboveTheirLimitLeaveTheBufferUntouched) {
  Generator random(2);
  SecretBuffer out(kBufferSize, kNoLimit);
  ASSERT_TRUE(encode_attestation_root(out, {1, 2}));
  const Bytes before = to_bytes(out.filled());
  const unit::KeyBinding binding = random.binding();
  const unit::KeyBlob blob{Bytes(100)};
  const auto refused = [&](Result<void> result) {
    return !result && result.error().reason == Reason::InvalidArgument &&
           to_bytes(out.filled()) == before;
  };
  EXPECT_TRUE(refused(encode_wrap(out, {}, binding, {Bytes(kMaxBlobBytes + 1)}, {}, {})));
  EXPECT_TRUE(refused(encode_wrap(out, {}, binding, blob, Bytes(kMaxSecretBytes + 1), {})));
  EXPECT_TRUE(
      refused(encode_wrap(out, {}, binding, blob, {}, unit::AadList(unit::kMaxAadEntries + 1))));
  EXPECT_TRUE(refused(
      encode_wrap(out, {}, binding, blob, {}, {std::string(unit::kMaxAadEntryBytes + 1, 'x')})));
  EXPECT_TRUE(refused(encode_create_units(out, {}, {}, std::string(kMaxRegionBytes + 1, 'r'), 2)));
  EXPECT_TRUE(
      refused(encode_administer(out, {}, {}, {}, std::string(kMaxAdministrationBytes + 1, 'a'))));
  EXPECT_TRUE(refused(
      encode_rewrap(out, {}, binding, blob, Bytes(kMaxWrappedDekBytes + 1), {}, {binding, &blob})));
  const auto import = [&](std::size_t payload, std::size_t nonce, std::size_t iv) {
    return encode_import_encrypted_root_key(out, {}, binding, binding, blob,
                                            {Bytes(payload), Bytes(nonce), Bytes(iv)});
  };
  EXPECT_TRUE(refused(import(unit::kMaxEncryptedMaterialBytes + 1, 28, 12)));
  EXPECT_TRUE(refused(import(512, unit::kMaxEncryptedNonceBytes + 1, 12)));
  EXPECT_TRUE(refused(import(512, 28, kMaxIvBytes + 1)));
  EXPECT_TRUE(refused(encode_drop(out, {}, std::vector<unit::KeyBlob>(kMaxDropBlobs + 1))));
}

TEST(CodecTest, DropChunksCoverEverything) {
  std::vector<unit::KeyBlob> blobs(3000, {Bytes(300)});
  std::span<const unit::KeyBlob> rest(blobs);
  int frames = 0;
  for (; !rest.empty(); ++frames) {
    const std::size_t count = drop_chunk(rest);
    ASSERT_GT(count, 0U);
    SecretBuffer out(kBufferSize, kNoLimit);
    ASSERT_TRUE(encode_drop(out, {}, rest.first(count)));
    rest = rest.subspan(count);
  }
  EXPECT_EQ(frames, 4);
}

template <class Value>
Value through_answer(Op op, Value value) {
  SecretBuffer out(kBufferSize, kNoLimit);
  EXPECT_TRUE(encode_answer<Value>(out, 42, op, Result<Value>(std::move(value))));
  const ByteView body = out.filled().subspan(kFramePrefixSize);
  EXPECT_TRUE(decode_response(body));
  for (std::size_t cut = 0; cut < body.size(); ++cut)
    EXPECT_FALSE(decode_response(body.first(cut)));
  auto answer = decode_answer(body);
  EXPECT_TRUE(answer && !answer->error && answer->call_id == 42 && answer->op == op);
  auto decoded = decode_value<Value>(answer->value);
  EXPECT_TRUE(decoded);
  return std::move(decoded).value();
}

TEST(CodecTest, EveryAnswerArrivesAsItWas) {
  Generator random(5);
  EXPECT_EQ(through_answer<std::string>(Op::Administer, "<x/>"), "<x/>");
  EXPECT_EQ(through_answer<Bytes>(Op::Rewrap, Bytes{1, 2, 3}), (Bytes{1, 2, 3}));
  EXPECT_EQ(through_answer<unit::KeyBlob>(Op::CreateStandardKey, {{4, 5}}).bytes, (Bytes{4, 5}));
  EXPECT_TRUE(through_answer<SecretBytes>(Op::OpenStandardKey, SecretBytes::copy_of(Bytes{6, 7})) ==
              SecretBytes::copy_of(Bytes{6, 7}));
  unit::SealedRootKey root{{Bytes(120, 3)}, {}};
  root.commitment.fill(8);
  const unit::SealedRootKey root_again = through_answer(Op::GenerateRootKey, root);
  EXPECT_EQ(root_again.blob, root.blob);
  EXPECT_EQ(root_again.commitment, root.commitment);
  unit::ImportTokenKey token{{Bytes(2500, 6)}, Bytes(550, 7), {}};
  token.nonce.fill(9);
  const unit::ImportTokenKey token_again = through_answer(Op::CreateImportToken, token);
  EXPECT_EQ(token_again.private_key, token.private_key);
  EXPECT_EQ(token_again.public_key, token.public_key);
  EXPECT_EQ(token_again.nonce, token.nonce);
  unit::UnwrapResult unwrapped{SecretBytes::copy_of(Bytes(32, 1)), Bytes(108, 2)};
  const unit::UnwrapResult unwrapped_again = through_answer(Op::Unwrap, std::move(unwrapped));
  EXPECT_TRUE(unwrapped_again.dek == SecretBytes::copy_of(Bytes(32, 1)));
  EXPECT_EQ(unwrapped_again.rewrapped, Bytes(108, 2));

  unit::UnitStatus status;
  status.id.uuid = random.uuid();
  status.location = "[eu].[AZ1-CS2].[1].[4]";
  status.serial_number = "KH000001";
  status.module_index = 1;
  status.domain_index = 4;
  status.imprint = false;
  status.signature_threshold = 2;
  status.revocation_threshold = 3;
  status.administrators = 5;
  status.current = unit::RegisterState::Valid;
  status.pending = unit::RegisterState::FullCommitted;
  status.current_pattern.fill(0xaa);
  status.pending_pattern.fill(0xbb);
  const auto units = through_answer(Op::ListUnits, std::vector{status, unit::UnitStatus{}});
  ASSERT_EQ(units.size(), 2U);
  EXPECT_EQ(units[0].id, status.id);
  EXPECT_EQ(units[0].location, status.location);
  EXPECT_EQ(units[0].serial_number, status.serial_number);
  EXPECT_EQ(units[0].module_index, 1U);
  EXPECT_EQ(units[0].domain_index, 4U);
  EXPECT_FALSE(units[0].imprint);
  EXPECT_EQ(units[0].signature_threshold, 2U);
  EXPECT_EQ(units[0].revocation_threshold, 3U);
  EXPECT_EQ(units[0].administrators, 5U);
  EXPECT_EQ(units[0].current, unit::RegisterState::Valid);
  EXPECT_EQ(units[0].pending, unit::RegisterState::FullCommitted);
  EXPECT_EQ(units[0].current_pattern, status.current_pattern);
  EXPECT_EQ(units[0].pending_pattern, status.pending_pattern);
  EXPECT_TRUE(units[1].imprint);
}

TEST(CodecTest, EveryReasonArrivesAndLongMessagesAreCut) {
  for (std::size_t reason = 0; reason < kReasonCount; ++reason) {
    SecretBuffer out(kBufferSize, kNoLimit);
    const Error error{static_cast<Reason>(reason), std::string(3000, 'm'), "field"};
    ASSERT_TRUE(encode_answer<Bytes>(out, 1, Op::Rewrap, error));
    auto answer = decode_answer(out.filled().subspan(kFramePrefixSize));
    ASSERT_TRUE(answer && answer->error);
    EXPECT_EQ(answer->error->reason, error.reason);
    EXPECT_EQ(answer->error->message, std::string(kMaxMessageBytes, 'm'));
    EXPECT_EQ(answer->error->target, "field");
  }
}

TEST(CodecTest, AnswersOutOfRangeAreRefused) {
  // call id, op 10 (wrap), status, then what follows.
  const auto answer = [](std::uint8_t op, std::uint8_t status, Bytes rest) {
    Bytes body(8, 0);
    body.push_back(op);
    body.push_back(status);
    append(body, rest);
    return body;
  };
  EXPECT_TRUE(decode_response(answer(10, 0, {0, 0, 0, 0})));
  EXPECT_FALSE(decode_response(answer(0, 0, {})));
  EXPECT_FALSE(decode_response(answer(16, 0, {})));
  EXPECT_TRUE(decode_response(answer(10, kReasonCount, {0, 0, 0, 0})));
  EXPECT_FALSE(decode_response(answer(10, kReasonCount + 1, {0, 0, 0, 0})));
  EXPECT_FALSE(decode_response(answer(10, 0, {0xff, 0xff, 1})));
  EXPECT_FALSE(decode_response(answer(3, 0, {kMaxUnits + 1})));
}

TEST(FrameTest, HelloIsCheckedFieldByField) {
  const auto frame = hello_frame(Side::Unit);
  const ByteView body = ByteView(frame).subspan(kFramePrefixSize);
  EXPECT_TRUE(check_hello(body, Side::Unit));
  EXPECT_FALSE(check_hello(body, Side::Server));
  for (std::size_t i = 0; i < body.size(); ++i) {
    Bytes damaged = to_bytes(body);
    damaged[i] ^= 1;
    EXPECT_FALSE(check_hello(damaged, Side::Unit)) << i;
  }
  EXPECT_FALSE(check_hello(body.first(11), Side::Unit));
}

TEST(FrameTest, LengthsInsideAndOutsideTheLimit) {
  EXPECT_FALSE(first_frame(Bytes{0, 5, 0, 1}));  // 327,681
  auto at_limit = first_frame(Bytes{0, 5, 0, 0});
  ASSERT_TRUE(at_limit);
  EXPECT_FALSE(at_limit.value());
  EXPECT_EQ(missing_bytes(Bytes{0, 5, 0, 0}), kMaxFrameBodySize);
  EXPECT_EQ(missing_bytes(Bytes{0, 5}), 2U);
  auto empty = first_frame(Bytes{0, 0, 0, 0, 9});
  ASSERT_TRUE(empty && empty.value());
  EXPECT_TRUE((*empty)->empty());
}

// docs/protocols/channel.md, "Worked example".
TEST(CodecTest, WorkedExample) {
  unit::KeyBinding binding;
  binding.instance.uuid.bytes.fill(0x11);
  binding.key.uuid.bytes.fill(0x22);
  binding.version.uuid.bytes.fill(0x33);
  SecretBuffer out(kBufferSize, kNoLimit);
  ASSERT_TRUE(encode_wrap(out, {1, 0x0f4240}, binding, {{0xb1, 0x0b}}, Bytes{0xd0, 0xd1, 0xd2},
                          {"a", "bc"}));
  EXPECT_EQ(to_hex(out.filled()),
            "00000052"
            "0a"
            "0000000000000001"
            "00000000000f4240"
            "11111111111111111111111111111111"
            "22222222222222222222222222222222"
            "33333333333333333333333333333333"
            "0002b10b"
            "0003d0d1d2"
            "02"
            "000161"
            "00026263");
  out.clear();
  ASSERT_TRUE(
      encode_answer<unit::WrapResult>(out, 1, Op::Wrap, unit::WrapResult{{0xcc, 0xdd}, {}}));
  EXPECT_EQ(to_hex(out.filled()),
            "00000010"
            "0000000000000001"
            "0a"
            "00"
            "0002ccdd"
            "0000");
  out.clear();
  ASSERT_TRUE(
      encode_answer<unit::WrapResult>(out, 1, Op::Wrap, Error{Reason::DecryptFailed, "no", ""}));
  EXPECT_EQ(to_hex(out.filled()),
            "00000010"
            "0000000000000001"
            "0a" +
                to_hex(Bytes{static_cast<std::uint8_t>(1 + int(Reason::DecryptFailed))}) +
                "00026e6f"
                "0000");
  EXPECT_EQ(to_hex(hello_frame(Side::Server)),
            "0000000c"
            "4b484348"
            "0001"
            "0001"
            "00050000");
}

}  // namespace
}  // namespace keyhaven::channel
