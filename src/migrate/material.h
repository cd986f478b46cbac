// The owner's copies of imported root keys: the one thing a service never gives back.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::migrate {

// Material by key (id, alias or CRN, as written), versions oldest first. Move-only.
class Material {
 public:
  // A CSV file `id,payload` (payload base64; several rows of one id are its versions, oldest
  // first). It must be a regular file that group and others cannot read. Errors: InvalidArgument
  // (line and cause, never the text), TooLarge (above 4 MiB), Io.
  static Result<Material> load_csv(const std::string& path);
  // The same of a text that comes from elsewhere; `where` names it in errors.
  static Result<Material> parse_csv(const SecretBytes& csv, const std::string& where);
  // The next version of `key`, from wherever the caller has it. Errors: InvalidArgument unless it
  // has 16, 24 or 32 bytes.
  Result<void> add(const std::string& key, SecretBytes version, const std::string& where);
  // The raw bytes of a file (16, 24 or 32) as the next version of `key`. Same rule on its mode.
  // Errors as above.
  Result<void> add_file(const std::string& key, const std::string& path);

  // Null when there is none under any of these names of one key. Errors: InvalidArgument when there
  // is some under two of them: which comes first is nobody's guess to make.
  Result<const std::vector<SecretBytes>*> find(const std::vector<std::string>& names) const;
  bool empty() const noexcept { return by_key_.empty(); }
  std::vector<std::string> names() const;

 private:
  std::map<std::string, std::vector<SecretBytes>, std::less<>> by_key_;
};

}  // namespace keyhaven::migrate
