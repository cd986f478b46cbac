#include "tke/codes.h"

#include <fmt/format.h>

namespace keyhaven::tke {

namespace {

constexpr std::string_view kAskQuorum =
    "Sign with as many different installed administrators as the threshold demands.";
constexpr std::string_view kRepeat =
    "Repeat the command: it is then built on the unit's present state.";
constexpr std::string_view kComparePatterns =
    "Compare the verification pattern with what all custodians noted, then repeat with that value.";
constexpr std::string_view kSeeDocumentation = "See the ceremony guide for this code.";

// Reasons whose text is more exact than that of the return code.
Explanation explain_reason(std::uint32_t reason) noexcept {
  switch (reason) {
    case kNoImporterKey:
      return {"the unit holds no importer key", "Generate an importer key first."};
    case kNoKeyParts:
      return {"no key parts in the import", "Send at least two key parts."};
    case kInnerForOtherDomain:
    case kInnerForOtherInstance:
      return {"a key part is signed for another unit", kRepeat};
    case kInnerBlockMissing:
      return {"a key part block is malformed", kRepeat};
    case kInnerSignatureMissing:
      return {"a key part is not signed", "Every key part must be signed by an administrator."};
    case kDomainInstanceDiffers:
      return {"the command was made before the unit was zeroized", kRepeat};
    case kModuleIdFormat:
    case kModuleInstanceDiffers:
    case kSerialNumberDiffers:
      return {"the command was made for another module", kRepeat};
    case kCounterFormat:
      return {"transaction counter of the wrong size", kRepeat};
    case kCounterValue:
      return {"transaction counter is not the next one: replayed, overtaken or far ahead", kRepeat};
    case kTooFewSignatures:
      return {"not enough signatures by different administrators", kAskQuorum};
    case kRecipientInfoFault:
    case kWrappedPartSize:
    case kOriginatorPoint:
    case kSharedInfoFault:
      return {"an encrypted key part is malformed or made for another importer key", kRepeat};
    case kRecipientInfoDoesNotOpen:
      return {"an encrypted key part does not open with the unit's importer key",
              "Generate a new importer key and encrypt the parts to it."};
    case kEqualKeyParts:
      return {"two key parts are equal and would cancel each other", "Load different parts."};
    case kSameAsCurrent:
      return {"the new master key equals the current one", "Nothing to do, or load other parts."};
    case kAdministratorNotFound:
      return {"no such administrator in this unit", "List the unit's administrators."};
    case kRevocationThresholdZero:
      return {"leaving imprint mode needs both thresholds", "Set both thresholds to 1 to 8."};
    case kBadCertificate:
      return {"the administrator certificate is not acceptable",
              "Use an X.509 certificate with one P-521 key and a name of at most 30 bytes."};
    case kAttributeListFault:
    case kAttributeUnknown:
    case kAttributeTwice:
      return {"the attribute list is malformed", kSeeDocumentation};
    case kMayNotEnable:
      return {"these control points cannot be enabled",
              "Enable only the ones this unit knows; a fixed set is changed by zeroize alone."};
    case kMayNotDisable:
      return {"the control points are fixed", "Only zeroize makes them changeable again."};
    case kNoMasterKey:
      return {"the current register is empty", "Load a master key first."};
    case kNoPendingKey:
      return {"the new register is empty", "Load the key parts first."};
    case kRandomKeyProhibited:
      return {"this unit does not make random master keys",
              "Use a recovery unit that was configured as one, or load key parts."};
    case kRegisterFull:
      return {"the register is not empty", "Commit and set the key, or clear the new register."};
    case kImporterTypeUnknown:
      return {"unknown kind of importer key", "Ask for a P-521 importer key (type 3)."};
    case kSignatureThresholdTooHigh:
      return {"signature threshold above the number of administrators",
              "Add administrators or choose a lower threshold."};
    case kRevocationThresholdTooHigh:
      return {"revocation threshold above the number of administrators",
              "Add administrators or choose a lower threshold."};
    case kOaIndexOutOfRange:
      return {"no certificate with this index", "This is the end of the chain."};
    case kPendingNotCommitted:
      return {"the new register is not committed", "Commit it first."};
    case kRemovalBelowThreshold:
      return {"removal would leave fewer administrators than a threshold",
              "Lower the threshold or add another administrator first."};
    case kMayChangeCannotBeSet:
      return {"a cleared 'may change' bit cannot be set again", "Only zeroize brings it back."};
    case kPermissionMayNotChange:
      return {"a permission is fixed", "Only zeroize makes it changeable again."};
    case kThresholdMayNotChange:
      return {"the thresholds are fixed", "Only zeroize makes them changeable again."};
    case kThresholdOfOneInUse:
      return {"a threshold of 1 is still in use", "Raise the thresholds to 2 or more first."};
    case kTooManyKeyParts:
      return {"too many key parts", "Use two or three."};
    case kSignatureThresholdToZero:
    case kRevocationThresholdToZero:
      return {"a threshold cannot return to 0", "Only zeroize brings a unit back to imprint mode."};
    case kSignatureThresholdToOne:
    case kRevocationThresholdToOne:
      return {"thresholds of 1 are not permitted in this unit", "Use a threshold of 2 or more."};
    case kImportProhibited:
      return {"loading master keys is not permitted in this unit",
              "Change its attributes with the quorum."};
    case kSinglePartProhibited:
      return {"a master key in a single part is not permitted in this unit",
              "Load at least two key parts."};
    case kBlobRejected:
      return {"the key blob is not one that this unit's current master key seals",
              "Give a blob of this instance, sealed by the current master key."};
    case kExportPartsFault:
      return {"only a whole master key can be exported",
              "Ask for one part and name one importer key."};
    case kKeyPartHolderInvalid:
      return {"the importer key is not acceptable",
              "Generate a P-521 importer key in the receiving unit and repeat."};
    case kExportScopeFault:
      return {"the scope of the export is unknown", "Ask for the key alone, without certificates."};
    case kExportProhibited:
      return {"this unit does not export its master key; an operational one never does",
              "Use a recovery unit that was configured as one, or load the same key parts."};
    case kOtherRecordDifference:
      return {"the last check of the stored records found another difference than was signed",
              "Check the stored records again and sign the difference that is found now."};
    case kNoRecordDifference:
      return {"the unit knows of no difference of the stored records that could be accepted",
              "Have the stored records checked first; forged ones are never accepted."};
    case kNotAServingUnit:
      return {"this unit does not serve its instance",
              "Send the command to an operational unit that holds the master key."};
    case kTransferSwitchedOff:
      return {"this unit's control point for transfers of keys is off",
              "Switch transfer-out (source) or transfer-in (target) on with the quorum first."};
    case kTransferInputFault:
      return {"the description of the transfer is malformed",
              "Make it with this version's tool; an offer may be damaged: ask for it again."};
    case kTransferOtherInstance:
      return {"the transfer names another service instance",
              "Send it to a unit of the instance that it names, or ask for another offer."};
    case kTransferOtherDeployment:
      return {"the offer does not verify under the deployment root that the command names",
              "Obtain that deployment's root from its administrators again; do not go on before "
              "root and offer agree."};
    case kTransferNotOpen:
      return {"this unit has made no such offer, or has closed it",
              "Send the consent to the unit that made the offer, or make a new offer."};
    case kTransferBound:
      return {"the offer's import key is bound to another bundle already; it is used once",
              "Make a new offer for a new bundle."};
    default:
      return {};
  }
}

Explanation explain_return(std::uint32_t code) noexcept {
  switch (code) {
    case kOk:
      return {"success", ""};
    case kWrongDomain:
      return {"the command is for another domain", kRepeat};
    case kBadArguments:
      return {"the command is malformed", kRepeat};
    case kInvalidData:
      return {"the command's data is not acceptable", kSeeDocumentation};
    case kMissingInput:
      return {"the command has unexpected or missing input", kRepeat};
    case kNotAllowed:
      return {"not allowed by the unit's attributes", kSeeDocumentation};
    case kNotSupported:
      return {"the unit does not support this function", kSeeDocumentation};
    case kNotFound:
      return {"no such key, certificate or record", kSeeDocumentation};
    case kPatternMismatch:
      return {"the verification pattern differs from the register's", kComparePatterns};
    case kNotInitialised:
      return {"the register is empty", "Load a master key first."};
    case kInvalidCounter:
      return {"invalid transaction counter", kRepeat};
    case kNotInImprint:
      return {"not allowed in imprint mode", "Add administrators and set the thresholds first."};
    case kSignatureInvalid:
      return {"a signature does not verify",
              "Check that the key file belongs to the administrator."};
    case kSignatureMalformed:
      return {"a signature is malformed", kSeeDocumentation};
    case kNotEnoughSignatures:
      return {"not enough signatures", kAskQuorum};
    case kInconsistent:
      return {"the request contradicts the unit's state", kSeeDocumentation};
    case kAdministratorExists:
      return {"this administrator key is installed already",
              "Each key can be installed once per unit."};
    case kUnauthorisedSigner:
      return {"signed by a key that is no administrator of this unit",
              "Select signature keys of installed administrators."};
    case kAdministratorListFull:
      return {"the unit has 8 administrators already", "Remove one first."};
    case kInternalError:
      return {"internal error of the crypto unit; nothing was changed",
              "Read the unit's log (a full disk is the usual cause) and repeat."};
    default:
      return {"refused by the crypto unit", kSeeDocumentation};
  }
}

Reason reason_of(std::uint32_t code) noexcept {
  switch (code) {
    case kNotAllowed:
    case kSignatureInvalid:
    case kSignatureMalformed:
    case kNotEnoughSignatures:
    case kUnauthorisedSigner:
      return Reason::Forbidden;
    case kNotInitialised:
    case kInvalidCounter:
    case kNotInImprint:
    case kInconsistent:
    case kAdministratorListFull:
      return Reason::Conflict;
    case kAdministratorExists:
      return Reason::AlreadyExists;
    case kNotSupported:
      return Reason::NotSupported;
    case kNotFound:
      return Reason::NotFound;
    case kInternalError:
      return Reason::UnitUnavailable;
    default:
      return Reason::InvalidArgument;
  }
}

}  // namespace

Explanation explain(Status status) noexcept {
  if (status.return_code != kOk) {
    const Explanation exact = explain_reason(status.reason_code);
    if (!exact.meaning.empty()) return exact;
  }
  return explain_return(status.return_code);
}

Error error_of(Status status) {
  const Explanation text = explain(status);
  return {reason_of(status.return_code),
          fmt::format("crypto unit refused: {} (return code {}, reason code {}). {}", text.meaning,
                      status.return_code, status.reason_code, text.remedy),
          {}};
}

}  // namespace keyhaven::tke
