#!/bin/sh
# Makes the certificates of the TLS tests. The keys guard nothing but names under `.test`.
set -eu
cd "$(dirname "$0")"

key() {
    openssl ecparam -name prime256v1 -genkey -noout |
        openssl pkcs8 -topk8 -nocrypt -outform DER -out "$1.key.der"
}

# authority NAME
authority() {
    key "$1"
    openssl req -x509 -new -key "$1.key.der" -keyform DER -subj "/CN=$1" -days 36500 \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" \
        -outform DER -out "$1.crt.der"
}

# leaf NAME AUTHORITY SUBJECT_ALT_NAMES DAYS
leaf() {
    key "$1"
    printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$3" >"$1.ext"
    openssl req -new -key "$1.key.der" -keyform DER -subj "/CN=$1" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA "$2.crt.der" -CAform DER -CAkey "$2.key.der" -CAkeyform DER \
        -set_serial "0x$(openssl rand -hex 8)" -extfile "$1.ext" -days "$4" -outform DER -out "$1.crt.der"
    rm -f "$1.csr" "$1.ext"
}

authority root
authority stranger
leaf good root "DNS:good.test,DNS:other.test,IP:127.0.0.1" 36500
leaf expired root "DNS:good.test" 0
leaf untrusted stranger "DNS:good.test" 36500
rm -f root.key.der stranger.key.der stranger.crt.der
