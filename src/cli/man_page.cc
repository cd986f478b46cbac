#include "cli/man_page.h"

#include <CLI/CLI.hpp>

namespace keyhaven::cli {
namespace {

// Troff text: backslashes and hyphens are escaped, a leading dot or quote cannot start a request.
std::string escaped(std::string_view text) {
  std::string out;
  if (!text.empty() && (text.front() == '.' || text.front() == '\'')) out += "\\&";
  for (const char letter : text) {
    if (letter == '\\') {
      out += "\\e";
    } else if (letter == '-') {
      out += "\\-";
    } else if (letter == '\n') {
      out += ' ';
    } else {
      out += letter;
    }
  }
  return out;
}

void write_options(std::string& out, const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    out += ".TP\n.B " + escaped(option->get_name(option->get_positional(), true));
    if (option->get_items_expected_max() != 0 && !option->get_positional()) out += " VALUE";
    out += '\n' + escaped(option->get_description()) + '\n';
  }
}

void write_verbs(std::string& out, const CLI::App& app, const std::string& path) {
  for (const CLI::App* verb : app.get_subcommands(nullptr)) {
    const std::string name = path + ' ' + verb->get_name();
    if (verb->get_subcommands(nullptr).empty()) {
      out += ".SS \"" + escaped(name) + "\"\n" + escaped(verb->get_description()) + '\n';
      write_options(out, *verb);
    }
    write_verbs(out, *verb, name);
  }
}

constexpr std::string_view kEnvironment[][2] = {
    {"KH_URL, KP_TARGET_ADDR, KP_PRIVATE_ADDR", "service address"},
    {"KH_IAM_URL, IBMCLOUD_IAM_API_ENDPOINT", "address that gives tokens"},
    {"TKE_PRIVATE_ADDR", "address for crypto-unit administration, if another"},
    {"KH_CA", "PEM file of the service's CA"},
    {"KH_API_KEY_FILE", "file with the API key"},
    {"KH_API_KEY, IBMCLOUD_API_KEY", "the API key itself"},
    {"KH_INSTANCE, KP_INSTANCE_ID", "instance id"},
    {"CLOUDTKEFILES", "directory of signature keys, key parts and the pinned attestation root"},
};

}  // namespace

std::string man_page(const CLI::App& app) {
  std::string out = ".TH KEYHAVEN 1 \"\" \"keyhaven " KH_VERSION
                    "\" \"User Commands\"\n.SH NAME\nkeyhaven \\- " +
                    escaped(app.get_description()) +
                    "\n.SH SYNOPSIS\n.B keyhaven\n[options] COMMAND [VERB] [options]\n.SH OPTIONS\n"
                    "These may stand before or after the command.\n";
  write_options(out, app);
  out += ".SH COMMANDS\n";
  write_verbs(out, app, "keyhaven");
  out +=
      ".SH ENVIRONMENT\nOptions win over the environment, which wins over the profile that login "
      "writes.\n";
  for (const auto& [name, meaning] : kEnvironment) {
    out += ".TP\n.B " + escaped(name) + '\n' + escaped(meaning) + '\n';
  }
  out +=
      ".SH FILES\n.TP\n.B $XDG_CONFIG_HOME/keyhaven/profile.json\nprofile, mode 0600\n"
      ".SH EXIT STATUS\n0: done. 1: the operation failed. 2: the command line or the configuration "
      "is wrong.\n";
  return out;
}

}  // namespace keyhaven::cli
