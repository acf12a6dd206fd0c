#!/bin/sh
# Makes the certificates of the TLS tests again: an authority of their own, and what it signed.
set -e
cd "$(dirname "$0")"
begin=20250101000000Z end=21250101000000Z

key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }

# NAME SUBJECT EXTENSIONS BEGIN END
sign() {
    key "$1"
    openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
    printf '%s\n' "$3" >"$1.ext"
    : >index.txt
    openssl rand -hex 8 >serial
    openssl ca -batch -notext -config ca.cnf -in "$1.csr" -extfile "$1.ext" \
        -startdate "$4" -enddate "$5" -out "$1.crt"
    cat "$1.key" "$1.crt" >"$1.pem"
}

cat >ca.cnf <<'END'
[ca]
default_ca = authority
[authority]
new_certs_dir = .
database = index.txt
serial = serial
default_md = sha256
policy = any
certificate = authority.pem
private_key = authority.key
unique_subject = no
email_in_dn = no
[any]
commonName = supplied
END
key authority
openssl req -x509 -new -key authority.key -subj "/CN=Mainspring tests" -days 36500 \
    -addext keyUsage=critical,keyCertSign,cRLSign -out authority.pem
names="subjectAltName=DNS:localhost,IP:127.0.0.1"
sign server localhost "$names" $begin $end
sign other other.example "subjectAltName=DNS:other.example" $begin $end
sign expired localhost "$names" 20200101000000Z 20210101000000Z
sign client "a client" "extendedKeyUsage=clientAuth" $begin $end
rm -f ./*.csr ./*.ext ./*.key ./*.crt ca.cnf index.txt* serial* [0-9A-F]*.pem
