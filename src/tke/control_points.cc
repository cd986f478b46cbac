#include "tke/control_points.h"

#include <algorithm>

namespace keyhaven::tke {

namespace {

constexpr ControlPoint kTable[] = {
    {kMayEnableControlPoints, "XCP_CPB_ADD_CPBS", "", "control points may be enabled"},
    {kMayDisableControlPoints, "XCP_CPB_DELETE_CPBS", "", "control points may be disabled"},
    {kControlPointEdDsa, "XCP_CPB_ALG_EC_25519", "eddsa", "EdDSA and Curve25519"},
    {kControlPointBitcoin, "XCP_CPB_BTC", "btc", "bitcoin: BIP-32 and SLIP-10 key derivation"},
    {kControlPointOtherSignatures, "XCP_CPB_ECDSA_OTHER", "sig-other",
     "elliptic-curve signatures other than ECDSA and EdDSA"},
    {kControlPointTransferOut, "KH_CPB_TRANSFER_OUT", "transfer-out",
     "sealed transfer of keys to another deployment"},
    {kControlPointTransferIn, "KH_CPB_TRANSFER_IN", "transfer-in",
     "sealed transfer of keys from another deployment"},
};

void set(ControlPoints& points, unsigned bit) {
  points[bit / 8] = static_cast<std::uint8_t>(points[bit / 8] | 0x80u >> bit % 8);
}

}  // namespace

std::span<const ControlPoint> control_point_table() noexcept { return kTable; }

std::optional<ControlPoint> control_point_of_verb(std::string_view verb) noexcept {
  if (verb.empty()) return std::nullopt;
  const auto* found = std::find_if(std::begin(kTable), std::end(kTable),
                                   [&](const ControlPoint& row) { return row.verb == verb; });
  if (found == std::end(kTable)) return std::nullopt;
  return *found;
}

bool has_control_point(const ControlPoints& points, unsigned bit) noexcept {
  return bit < 8 * points.size() && (points[bit / 8] & 0x80u >> bit % 8) != 0;
}

ControlPoints control_point_mask(unsigned bit) noexcept {
  ControlPoints out{};
  set(out, bit);
  return out;
}

ControlPoints default_control_points() noexcept {
  ControlPoints out{};
  set(out, kMayEnableControlPoints);
  set(out, kMayDisableControlPoints);
  return out;
}

ControlPoints known_control_points() noexcept {
  ControlPoints out{};
  for (const ControlPoint& row : kTable) set(out, row.bit);
  return out;
}

}  // namespace keyhaven::tke
