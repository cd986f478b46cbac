#!/usr/bin/env bash
# Compiles the driver into the working directory and runs it with a trust store made from KH_CA.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
javac -Xlint:all,-deprecation,-processing -Werror -d "$work/classes" -cp "lib/*" "$here"/src/keyhaven/conformance/*.java 1>&2
keytool -importcert -noprompt -alias keyhaven -file "$KH_CA" -keystore "$work/trust.p12" -storetype PKCS12 \
  -storepass trust-store 1>&2 2> /dev/null
java "-Djavax.net.ssl.trustStore=$work/trust.p12" -Djavax.net.ssl.trustStorePassword=trust-store \
  "-Djava.util.logging.config.file=$here/logging.properties" -cp "$work/classes:lib/*" keyhaven.conformance.Driver
