# An SM chain as a commercial authority would sell it: root, intermediate, and a chain certificate under it; by OpenSSL 3.0.
set -eu
id="distid:1234567812345678"
new() { openssl ecparam -name SM2 -genkey -noout -out "$1.sec1"; openssl pkey -in "$1.sec1" -out "$1.key"; rm "$1.sec1"; }
under() { # name, issuer, path length, subject
    new "$1"
    openssl req -new -key "$1.key" -sm3 -sigopt "$id" -subj "$4" -out "$1.csr"
    printf 'basicConstraints=critical,CA:TRUE,pathlen:%s\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' "$3" >"$1.ext"
    openssl x509 -req -in "$1.csr" -vfyopt "$id" -CA "$2.crt" -CAkey "$2.key" -sm3 -sigopt "$id" -days 36500 \
        -set_serial "0x$(openssl rand -hex 16)" -extfile "$1.ext" -out "$1.crt"
    rm "$1.csr" "$1.ext"
}
new root
openssl req -x509 -new -key root.key -sm3 -sigopt "$id" -subj "/C=CN/O=Some Authority/CN=SM Root" -days 36500 \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" -set_serial "0x$(openssl rand -hex 16)" -out root.crt
under intermediate root 2 "/C=CN/O=Some Authority/CN=SM Intermediate"
under chain intermediate 1 "/CN=trade/O=trade/OU=chain"
rm root.key intermediate.key
