#!/usr/bin/env bash
# The images of the node and of the operator, as archives that `ctr images import` and `docker load` read. No daemon, no
# registry: $ALTHING_CACHE/images/{node,operator}.tar, named localhost/althing/{node,operator}:VERSION.
#
#   scripts/images.sh            both, from the build of the whole workspace
#   scripts/images.sh node       this one, building only its package (other features, so perhaps a second build of some crates)
#
# The programs in them are the ones of the ordinary build, linked once more, statically: their main.rs only calls their own
# library, so that is all there is to compile.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cd "$root"

images=$cache/images
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
messages=

# What each image is made of: package, program, its main.rs, megabytes at most.
facts() {
  case $1 in
    node) package=althing-node program=althing-node main=node/src/main.rs megabytes=60 ;;
    operator) package=althing-kubernetes program=althing-operator main=operator/kubernetes/src/main.rs megabytes=30 ;;
    *) echo "images.sh: unknown image '$1'; accepted are node, operator or none for both" >&2 && exit 2 ;;
  esac
}

cargo_build() {
  cargo build --message-format=json-render-diagnostics "$@" >"$messages"
}

# The last file of this kind that cargo told of a target: `artifact NAME KIND PATTERN`.
artifact() {
  sed -n "/\"reason\":\"compiler-artifact\"/s|.*\"kind\":\[\"$2\"\].*\"name\":\"$1\".*\"\([^\"]*$3\)\".*|\1|p" "$messages" | tail -n 1
}

# Links the program statically: glibc has resolving names from files and DNS built in, RocksDB brings its C++ library.
link() {
  local library=${package//-/_} rlib
  rlib=$(artifact "$library" lib '\.rlib')
  if [ -z "$rlib" ]; then
    say "the library $library was not found among what cargo built" >&2
    return 1
  fi
  rustc --crate-name "${program//-/_}" --crate-type bin --edition 2024 "$main" --extern "$library=$rlib" \
    -L "dependency=$CARGO_TARGET_DIR/debug/deps" -C opt-level=2 -C target-feature=+crt-static -C strip=symbols \
    -o "$1"
  if readelf --dynamic "$1" | grep -q NEEDED; then
    say "$program is not static:" >&2
    readelf --dynamic "$1" | grep NEEDED >&2
    return 1
  fi
}

# A storage of its own, so that nothing is left in the machine's.
pack() {
  local context=$1 archive=$2 storage=$1/storage
  local buildah=(buildah --storage-driver vfs --root "$storage/root" --runroot "$storage/run")
  "${buildah[@]}" bud --quiet --isolation chroot --timestamp 0 --build-arg "VERSION=$version" \
    --tag "$name" --file "deploy/container/$image.Containerfile" "$context/files" >/dev/null
  rm -f "$archive.new"
  "${buildah[@]}" push --quiet "$name" "docker-archive:$archive.new:$name" >/dev/null
  mv "$archive.new" "$archive"
}

build_image() {
  local package program main megabytes executable context name image=$1 archive=$images/$1.tar bytes
  facts "$image"
  name=localhost/althing/$image:$version
  executable=$(artifact "$program" bin "/$program")
  local inputs=("$executable" "$main" "deploy/container/$image.Containerfile" scripts/images.sh Cargo.toml)
  if [ -f "$archive" ] && stamp_is_fresh "image-$image" "${inputs[@]}"; then
    say "$name: unchanged"
  else
    context=$images/$image.new
    rm -rf "$context"
    mkdir -p "$context/files"
    say "$name: linking"
    link "$context/files/$program"
    say "$name: packing"
    pack "$context" "$archive"
    rm -rf "$context"
    write_stamp "image-$image" "${inputs[@]}"
  fi
  bytes=$(stat -c %s "$archive")
  say "$archive: $(awk "BEGIN { printf \"%.1f\", $bytes / 1000000 }") MB, at most $megabytes"
  if [ "$bytes" -ge $((megabytes * 1000000)) ]; then
    say "$name is larger than the $megabytes MB it may have" >&2
    return 1
  fi
}

if ! has buildah; then
  say 'missing: buildah, which packs images without a daemon; on Debian: apt-get install --no-install-recommends buildah' >&2
  exit 1
fi
mkdir -p "$images"
# One run at a time: the second finds everything done.
exec 9>"$images/lock"
flock 9
messages=$images/cargo.json

if [ $# -eq 0 ]; then
  step 'build' cargo_build --workspace --bins
  set -- node operator
else
  selected=()
  for image in "$@"; do
    facts "$image"
    selected+=(--package "$package")
  done
  step 'build' cargo_build "${selected[@]}" --bins
fi
for image in "$@"; do
  step "image of the $image" build_image "$image"
done
