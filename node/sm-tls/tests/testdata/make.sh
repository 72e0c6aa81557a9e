#!/usr/bin/env bash
# Makes the certificates, keys and lists of the tests anew, with OpenSSL 4: nothing of this package has a part in it.
#
#   node/sm-tls/tests/testdata/make.sh PATH-TO-OPENSSL-4     (scripts/setup.sh sm-peers builds one)
#
#   ca ─▶ agency ─▶ server, client, revoked, expired, p256          all for a hundred years from 2026, expired until 2021
#                └▶ agency.crl, which names revoked
#
# variants.py then writes the same certificates in the other forms that the field has.
set -euo pipefail
openssl=$(readlink -f "$1")
cd "$(dirname "$0")"
export OPENSSL_CONF=/dev/null
from=20260101000000Z until=21260101000000Z
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# key NAME [CURVE]
key() {
  "$openssl" genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:${2:-SM2}" -pkeyopt ec_param_enc:named_curve -out "$1.key"
}

# certificate NAME ISSUER FROM UNTIL EXTENSION…; a certificate whose issuer is itself is a root.
certificate() {
  local name=$1 issuer=$2 from=$3 until=$4
  shift 4
  printf '%s\n' subjectKeyIdentifier=hash authorityKeyIdentifier=keyid "$@" >"$work/extensions"
  "$openssl" req -new -key "$name.key" -subj "/O=Testers/CN=$name" -out "$work/$name.csr"
  local by=(-CA "$issuer.crt" -CAkey "$issuer.key")
  [ "$name" != "$issuer" ] || by=(-signkey "$name.key")
  "$openssl" x509 -req -in "$work/$name.csr" "${by[@]}" -sm3 -set_serial "0x$("$openssl" rand -hex 16 | sed 's/^./5/')" \
    -not_before "$from" -not_after "$until" -extfile "$work/extensions" -out "$name.crt"
}

leaf=(basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth,clientAuth
  subjectAltName=DNS:node)
authority() { echo "basicConstraints=critical,CA:TRUE,pathlen:$1"; echo keyUsage=critical,keyCertSign,cRLSign; }
mapfile -t root < <(authority 1)
mapfile -t intermediate < <(authority 0)

for name in ca agency server client revoked expired; do key "$name"; done
key p256 P-256
certificate ca ca "$from" "$until" "${root[@]}"
certificate agency ca "$from" "$until" "${intermediate[@]}"
for name in server client revoked p256; do certificate "$name" agency "$from" "$until" "${leaf[@]}"; done
certificate expired agency 20200101000000Z 20210101000000Z "${leaf[@]}"

printf '%s\n' '[ca]' 'default_ca=agency' '[agency]' "database=$work/index" "crlnumber=$work/number" 'default_md=sm3' \
  'crl_extensions=extensions' '[extensions]' 'authorityKeyIdentifier=keyid' >"$work/ca.cnf"
: >"$work/index"
echo 01 >"$work/number"
"$openssl" ca -config "$work/ca.cnf" -cert agency.crt -keyfile agency.key -revoke revoked.crt
"$openssl" ca -config "$work/ca.cnf" -cert agency.crt -keyfile agency.key -gencrl -crl_lastupdate "$from" \
  -crl_nextupdate "$until" -out agency.crl

# SEC 1 of a key, and what HKDF over SM3 gives: key, salt, information and result as hexadecimal digits, one case a line.
"$openssl" ec -in server.key -no_public -out server.sec1.key
: >hkdf.txt
hkdf() {
  local options=(-kdfopt digest:SM3 -kdfopt "hexkey:$1")
  [ "$2" = - ] || options+=(-kdfopt "hexsalt:$2")
  [ "$3" = - ] || options+=(-kdfopt "hexinfo:$3")
  echo "$1 $2 $3 $("$openssl" kdf -keylen "$4" "${options[@]}" HKDF | tr -d ':\n' | tr A-F a-f)" >>hkdf.txt
}
hkdf "$(printf '0b%.0s' {1..22})" 000102030405060708090a0b0c f0f1f2f3f4f5f6f7f8f9 42
hkdf "$(printf '%02x' {0..79})" "$(printf '%02x' {96..175})" "$(printf '%02x' {176..255})" 82
hkdf "$(printf '0b%.0s' {1..22})" - - 42
hkdf "$(printf 'aa%.0s' {1..131})" 00 - 32

python3 variants.py "$openssl"
rm ca.key agency.key
