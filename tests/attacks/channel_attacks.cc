// The channel: the one way to the unit that a captured server rightly has.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "attack.h"
#include "base/file.h"
#include "channel/codec.h"
#include "crypto/random.h"
#include "tke/admin.h"
#include "tke/frame.h"
#include "tke/unit_session.h"

namespace keyhaven::attacks {
namespace {

constexpr const char* kBlobs = "channel: blobs for another purpose";
constexpr const char* kAdministration = "channel: administration without a quorum";
constexpr const char* kUse = "channel: use while it is in control";
constexpr const char* kExhaustion = "channel: exhaustion";
constexpr const char* kFrames = "channel: broken frames";

Seen answered(const Error& error) { return {false, error.message.substr(0, 60)}; }

// Of a call that gives nothing secret; error messages are loot too.
template <class Value>
Seen seen_of(Attacker& attacker, const Result<Value>& result) {
  if (result) return {true, "ok"};
  attacker.loot.take(as_bytes(result.error().message));
  return answered(result.error());
}

Seen opened(Attacker& attacker, const unit::KeyBinding& binding, const unit::KeyBlob& blob) {
  const auto payload = attacker.server.client().open_standard_key(binding, blob);
  if (payload) attacker.loot.take(payload->expose());
  return seen_of(attacker, payload);
}

unit::KeyBinding elsewhere(unit::KeyBinding binding, bool instance, bool key, bool version) {
  if (instance) binding.instance = {crypto::random_uuid()};
  if (key) binding.key = {crypto::random_uuid()};
  if (version) binding.version = {crypto::random_uuid()};
  return binding;
}

// One byte changed, each in turn.
Seen open_every_changed(Attacker& attacker) {
  const Bytes& original = attacker.known.root_blob.bytes;
  for (std::size_t i = 0; i < original.size(); ++i) {
    unit::KeyBlob changed{original};
    changed.bytes[i] ^= 1;
    for (const auto& binding : {attacker.known.root_key, attacker.known.standard_key}) {
      if (opened(attacker, binding, changed).worked) return {true, "byte " + std::to_string(i)};
    }
  }
  return {false, std::to_string(2 * original.size()) + " refused"};
}

// The head of the standard key's blob, the rest of the root key's, at every length.
Seen open_every_splice(Attacker& attacker) {
  const Bytes& head = attacker.known.standard_blob.bytes;
  const Bytes& tail = attacker.known.root_blob.bytes;
  const std::size_t most = std::min(head.size(), tail.size());
  for (std::size_t i = 1; i < most; ++i) {
    unit::KeyBlob spliced{Bytes(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(i))};
    spliced.bytes.insert(spliced.bytes.end(), tail.begin() + static_cast<std::ptrdiff_t>(i),
                         tail.end());
    if (opened(attacker, attacker.known.standard_key, spliced).worked)
      return {true, "at " + std::to_string(i)};
  }
  return {false, std::to_string(most - 1) + " refused"};
}

Result<tke::UnitSession> session_with(Attacker& attacker, std::size_t number) {
  auto& client = attacker.server.client();
  const auto units = KH_TRY(client.list_units(attacker.known.root_key.instance));
  const unit::UnitStatus status = units.at(number);
  const auto relay = [&attacker, status](const std::string& request) -> Result<std::string> {
    auto answer =
        attacker.server.client().administer(attacker.known.root_key.instance, status.id, request);
    if (answer) attacker.loot.take(as_bytes(*answer));
    return answer;
  };
  const auto key = KH_TRY(crypto::P521PublicKey::from_spki(attacker.known.attestation_root));
  const auto target = KH_TRY(tke::target_from_location(status.location, status.serial_number));
  return tke::UnitSession::open(relay, target, tke::AttestationRoot::of(key));
}

// A command with no signature, and one with the signature of a key that no administrator has.
Attack command(const char* what, std::uint32_t number, bool own_key, std::size_t input = 0) {
  return {kAdministration, what, "RRRR", [=](Attacker& a) -> Seen {
            auto session = session_with(a, 0);
            if (!session) return answered(session.error());
            const tke::LocalSigner own(crypto::P521PrivateKey::generate());
            tke::Signers signers;
            if (own_key) signers = {&own, &own};
            const auto output = session->command(number, Bytes(input), signers);
            if (output) a.loot.take(*output);
            return seen_of(a, output);
          }};
}

Seen import_own_parts(Attacker& attacker) {
  auto session = session_with(attacker, 0);
  if (!session) return answered(session.error());
  const tke::LocalSigner own(crypto::P521PrivateKey::generate());
  const SecretBytes first = crypto::random_secret(32);
  const SecretBytes second = crypto::random_secret(32);
  return seen_of(
      attacker, session->import_key_parts(own.public_key(), {{&first, {&own}}, {&second, {&own}}}));
}

Seen lower_thresholds(Attacker& attacker) {
  auto session = session_with(attacker, 0);
  if (!session) return answered(session.error());
  return seen_of(attacker, session->set_thresholds(1, 1, {}));
}

Seen query(Attacker& attacker) {
  auto session = session_with(attacker, 0);
  if (!session) return answered(session.error());
  const auto attributes = session->attributes();
  const auto administrators = session->administrators();
  const auto points = session->control_points();
  const auto info = session->domain_info();
  const bool all = attributes && administrators && points && info;
  return {all, all ? "ok" : "refused"};
}

// Return code of an administration answer; nothing when it carries none.
std::optional<std::uint32_t> code_of(const std::string& text) {
  const auto response = tke::parse_response(text);
  if (!response) return std::nullopt;
  const auto admin = tke::parse_admin_response(response->payload);
  if (!admin) return std::nullopt;
  if (admin->return_code != 0) return admin->return_code;
  const auto block = tke::parse_admin_response_block(admin->block);
  return block ? std::optional(block->return_code) : std::nullopt;
}

bool is_signed_command(const std::string& text) {
  const auto request = tke::parse_request(text);
  if (!request) return false;
  const auto payload = tke::parse_request_payload(request->payload);
  const auto* const admin = payload ? std::get_if<tke::AdminRequest>(&*payload) : nullptr;
  if (admin == nullptr) return false;
  const auto block = tke::parse_admin_block(admin->block);
  return block && !tke::is_query(block->command);
}

Seen replay_to(Attacker& attacker, std::size_t number) {
  auto& client = attacker.server.client();
  const InstanceId instance = attacker.known.root_key.instance;
  const auto units = client.list_units(instance);
  if (!units) return answered(units.error());
  std::size_t sent = 0;
  for (const std::string& frame : attacker.known.frames) {
    if (!is_signed_command(frame)) continue;
    ++sent;
    const auto answer = client.administer(instance, units->at(number).id, frame);
    if (!answer) continue;
    attacker.loot.take(as_bytes(*answer));
    if (code_of(*answer) == 0U) return {true, "frame " + std::to_string(sent)};
  }
  return {sent == 0, std::to_string(sent) + " frames refused"};
}

// A recorded frame with one byte of its payload changed: the signature no longer holds.
Seen change_recorded(Attacker& attacker) {
  auto& client = attacker.server.client();
  const InstanceId instance = attacker.known.root_key.instance;
  const auto units = client.list_units(instance);
  if (!units) return answered(units.error());
  std::size_t sent = 0;
  for (const std::string& frame : attacker.known.frames) {
    if (!is_signed_command(frame)) continue;
    for (std::size_t i = 5; i < frame.size(); i += 97) {
      std::string changed = frame;
      changed[i] = changed[i] == '0' ? '1' : '0';
      if (changed == frame) continue;
      const auto answer = client.administer(instance, units->front().id, changed);
      ++sent;
      if (!answer) continue;
      attacker.loot.take(as_bytes(*answer));
      if (is_signed_command(changed) && code_of(*answer) == 0U)
        return {true, "byte " + std::to_string(i)};
    }
  }
  return {sent == 0, std::to_string(sent) + " frames refused"};
}

Seen use_root_key(Attacker& attacker) {
  auto& client = attacker.server.client();
  const SecretBytes dek(32);
  const auto wrapped = client.wrap(attacker.known.root_key, attacker.known.root_blob, dek, {});
  if (!wrapped) return answered(wrapped.error());
  attacker.loot.take(wrapped->wrapped_dek);
  return {true, "ok"};
}

Seen unwrap_known(Attacker& attacker, const unit::AadList& aad) {
  const auto dek = attacker.server.client().unwrap(
      attacker.known.root_key, attacker.known.root_blob, attacker.known.wrapped_dek, aad, nullptr);
  return seen_of(attacker, dek);  // the DEK itself is his for the asking: no loot
}

Seen still_serves(Attacker& attacker, pid_t before, const std::string& text) {
  const bool same = attacker.server.unit_serves() && attacker.unit() == before;
  return {!same, same ? text + "; it serves on" : "the unit ended"};
}

Seen flood_with_large_calls(Attacker& attacker) {
  const pid_t unit = attacker.unit();
  for (int i = 0; i < 1000; ++i) {
    (void)attacker.server.client().create_standard_key(attacker.known.standard_key,
                                                       SecretBytes(unit::kMaxStandardPayloadBytes));
  }
  return still_serves(attacker, unit, "1,000 calls");
}

Seen open_many_keys(Attacker& attacker) {
  const pid_t unit = attacker.unit();
  auto& client = attacker.server.client();
  std::size_t used = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto binding = elsewhere(attacker.known.root_key, false, true, true);
    const auto made = client.generate_root_key(binding);
    if (made && client.wrap(binding, made->blob, SecretBytes(), {})) ++used;
  }
  return still_serves(attacker, unit, std::to_string(used) + " keys");
}

// Descriptors that the unit did not ask for: the kernel drops them when it reads the bytes.
Seen send_descriptors(Attacker& attacker) {
  const pid_t unit = attacker.unit();
  const int channel = attacker.server.unused_channel();
  if (channel < 0) return {true, "no channel left"};
  const auto hello = channel::hello_frame(channel::Side::Server);
  std::array<int, 64> descriptors{};
  descriptors.fill(channel);
  std::array<char, CMSG_SPACE(sizeof descriptors)> space{};
  int sent = 0;
  for (const std::uint8_t& byte : hello) {
    iovec part{const_cast<std::uint8_t*>(&byte), 1};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = space.data();
    header.msg_controllen = space.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof descriptors);
    std::memcpy(CMSG_DATA(rights), descriptors.data(), sizeof descriptors);
    if (::sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) sent += 64;
  }
  return still_serves(attacker, unit, std::to_string(sent) + " descriptors");
}

Seen half_a_frame(Attacker& attacker) {
  const pid_t unit = attacker.unit();
  for (int i = 0; i < 3; ++i) {
    const int channel = attacker.server.unused_channel();
    if (channel < 0) return {true, "no channel left"};
    const auto hello = channel::hello_frame(channel::Side::Server);
    (void)::send(channel, hello.data(), hello.size() - 3, MSG_NOSIGNAL);
  }
  return still_serves(attacker, unit, "3 channels");
}

// Sends `bytes` on a fresh channel and takes whatever comes back until its end; the unit ends then
// and is started again.
Seen send_broken(Attacker& attacker, ByteView bytes) {
  const std::uint64_t before = attacker.server.supervisor().status().restarts;
  {
    const int channel = attacker.server.unused_channel();
    if (channel < 0) return {true, "no channel left"};
    (void)::send(channel, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ::shutdown(channel, SHUT_WR);
    std::array<std::uint8_t, 4096> answer{};
    pollfd waiting{channel, POLLIN, 0};
    while (::poll(&waiting, 1, 5000) > 0) {
      const ssize_t count = ::read(channel, answer.data(), answer.size());
      if (count <= 0) break;
      attacker.loot.take({answer.data(), static_cast<std::size_t>(count)});
    }
  }
  for (int i = 0; i < 2000; ++i) {
    const auto status = attacker.server.supervisor().status();
    if (status.up && status.restarts > before && attacker.server.unit_serves())
      return {true, "the unit ended and came back"};
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return {false, "the unit did not come back"};
}

Bytes hello_and(ByteView more) {
  const auto hello = channel::hello_frame(channel::Side::Server);
  Bytes out(hello.begin(), hello.end());
  append(out, more);
  return out;
}

// The launcher reads nothing: whatever comes is the order to end.
Seen talk_to_launcher(Attacker& attacker) {
  const pid_t unit = attacker.unit();
  constexpr std::string_view kText = "start /bin/sh as the unit's user";
  const ssize_t sent = ::send(attacker.server.launcher_control(), kText.data(), kText.size(),
                              MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return refused();
  for (int i = 0; i < 1000 && attacker.server.unit_serves(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  (void)unit;
  return attacker.server.unit_serves() ? Seen{false, "no effect"} : Seen{true, "all ended"};
}

}  // namespace

const std::vector<Attack>& channel_attacks() {
  static const std::vector<Attack> table = {
      {kBlobs, "open the root key's blob as a standard key", "RRRR",
       [](Attacker& a) { return opened(a, a.known.root_key, a.known.root_blob); }},
      {kBlobs, "the same under the standard key's name", "RRRR",
       [](Attacker& a) { return opened(a, a.known.standard_key, a.known.root_blob); }},
      {kBlobs, "open a standard key for another instance", "RRRR",
       [](Attacker& a) {
         return opened(a, elsewhere(a.known.standard_key, true, false, false),
                       a.known.standard_blob);
       }},
      {kBlobs, "open it under another key's id", "RRRR",
       [](Attacker& a) {
         return opened(a, elsewhere(a.known.standard_key, false, true, false),
                       a.known.standard_blob);
       }},
      {kBlobs, "open it as another version", "RRRR",
       [](Attacker& a) {
         return opened(a, elsewhere(a.known.standard_key, false, false, true),
                       a.known.standard_blob);
       }},
      {kBlobs, "open the root key's blob with each byte changed", "RRRR", open_every_changed},
      {kBlobs, "open blobs spliced from two", "RRRR", open_every_splice},
      {kBlobs, "wrap under a standard key's blob", "RRRR",
       [](Attacker& a) {
         return seen_of(a, a.server.client().wrap(a.known.standard_key, a.known.standard_blob,
                                                  SecretBytes(32), {}));
       }},
      {kBlobs, "use the root key in another instance", "RRRR",
       [](Attacker& a) {
         return seen_of(a, a.server.client().wrap(elsewhere(a.known.root_key, true, false, false),
                                                  a.known.root_blob, SecretBytes(32), {}));
       }},
      {kBlobs, "rewrap for a key of another instance", "RRRR",
       [](Attacker& a) {
         const auto other = elsewhere(a.known.root_key, true, true, true);
         return seen_of(
             a, a.server.client().rewrap(a.known.root_key, a.known.root_blob, a.known.wrapped_dek,
                                         {"bound"}, {other, &a.known.root_blob}));
       }},
      {kBlobs, "use the root key's blob as an import token", "RRRR",
       [](Attacker& a) {
         unit::EncryptedMaterial material;
         material.payload = Bytes(512);
         material.encrypted_nonce = Bytes(28);
         material.iv = Bytes(12);
         return seen_of(a, a.server.client().import_encrypted_root_key(
                               a.known.root_key, a.known.root_key, a.known.root_blob, material));
       }},
      {kBlobs, "unwrap a DEK with other additional data", "RRRR",
       [](Attacker& a) { return unwrap_known(a, {"other"}); }},
      command("zeroize the unit, unsigned", tke::kZeroize, false),
      command("clear the current master key, unsigned", tke::kClearCurrent, false),
      command("clear the pending register, unsigned", tke::kClearPending, false),
      command("commit the pending register, unsigned", tke::kCommitPending, false, 32),
      command("set immediate, unsigned", tke::kFinalizePending, false, 32),
      command("make an importer, unsigned", tke::kGenerateImporter, false, 4),
      {kAdministration, "import key parts of its own to an importer of its own", "RRRR",
       import_own_parts},
      command("make a random master key, unsigned", tke::kCreateRandomKey, false),
      command("export the current master key, unsigned", tke::kExportCurrentKey, false, 300),
      command("export the pending master key, unsigned", tke::kExportPendingKey, false, 300),
      command("add an administrator, unsigned", tke::kAddAdministrator, false, 400),
      command("remove an administrator, unsigned", tke::kRemoveAdministrator, false, 32),
      {kAdministration, "lower the thresholds, unsigned", "RRRR", lower_thresholds},
      command("set control points, unsigned", tke::kSetControlPoints, false, 16),
      command("zeroize, signed by itself twice", tke::kZeroize, true),
      command("export the current master key, signed by itself", tke::kExportCurrentKey, true, 300),
      command("set immediate, signed by itself", tke::kFinalizePending, true, 32),
      command("a command that does not exist", 0x7fff, true, 32),
      {kAdministration, "replay every recorded signed frame", "RRRR",
       [](Attacker& a) { return replay_to(a, 0); }},
      {kAdministration, "send them to another unit of the instance", "RRRR",
       [](Attacker& a) { return replay_to(a, 1); }},
      {kAdministration, "send them with bytes changed", "RRRR", change_recorded},
      {kAdministration, "remove the units of a live instance", "RRRR",
       [](Attacker& a) {
         return seen_of(a, a.server.client().remove_units(a.known.root_key.instance));
       }},
      {kAdministration, "make fresh units over a live instance", "RRRR",
       [](Attacker& a) {
         return seen_of(a, a.server.client().create_units(a.known.root_key.instance, "local", 3));
       }},
      {kAdministration, "every query of the protocol", "WWWW", query,
       "thresholds, certificates, patterns: public"},
      {kUse, "wrap with the root key", "WWWW", use_root_key, "ends with its control"},
      {kUse, "unwrap a DEK it was given", "WWWW",
       [](Attacker& a) { return unwrap_known(a, {"bound"}); },
       "it sees every DEK that passes meanwhile"},
      {kUse, "have a standard key handed out", "WWWW",
       [](Attacker& a) {
         return seen_of(
             a, a.server.client().open_standard_key(a.known.standard_key, a.known.standard_blob));
       },
       "standard keys are made to be handed out"},
      {kExhaustion, "1,000 calls of the largest size", "RRRR", flood_with_large_calls},
      {kExhaustion, "open 5,000 keys", "RRRR", open_many_keys},
      {kExhaustion, "send it descriptors (SCM_RIGHTS)", "RRRR", send_descriptors},
      {kExhaustion, "leave half a frame on three channels", "RRRR", half_a_frame},
  };
  return table;
}

const std::vector<Attack>& last_attacks() {
  constexpr const char* kBack = "a denial of service; the launcher starts it again";
  static const std::vector<Attack> table = {
      {kFrames, "a frame that announces 4 GiB", "WWWW",
       [](Attacker& a) {
         return send_broken(a, hello_and(Bytes{0xff, 0xff, 0xff, 0xff, 1, 2, 3}));
       },
       kBack},
      {kFrames, "a call that does not exist", "WWWW",
       [](Attacker& a) {
         Bytes frame = {0, 0, 0, 64};
         frame.resize(68, 0xee);
         return send_broken(a, hello_and(frame));
       },
       kBack},
      {kFrames, "no hello", "WWWW", [](Attacker& a) { return send_broken(a, Bytes(64, 0x41)); },
       kBack},
      {kFrames, "an end within a frame", "WWWW",
       [](Attacker& a) {
         return send_broken(a, hello_and(Bytes{0, 0, 1, 0, 9}));
       },
       kBack},
      {kFrames, "orders to the launcher", "WWWW", talk_to_launcher,
       "ends the service until its next start"},
  };
  return table;
}

}  // namespace keyhaven::attacks
