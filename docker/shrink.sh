#!/bin/sh
# Removes from an environment what no step reads: shrink.sh ENVIRONMENT. It needs `strip` and `ldd`.
# What is left is tried afterwards, by try-steps.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"/lib/python3*/site-packages

unresolved() {
    find . -name '*.so*' -type f -exec ldd {} + 2>/dev/null | grep 'not found' | sort -u || true
}
missing_before=$(unresolved)

# the charts of the pages need a script that vl-convert makes, and not vl-convert
if [ -d vl_convert ]; then
    "$1/bin/python" "$here/vl_convert.py" vl_convert.json
    rm -rf vl_convert
    cp "$here/vl_convert.py" .
fi
# the tests of packages, bytecode, and what only compilers read
find . -depth -type d \( -name tests -o -name __pycache__ \) -exec rm -rf {} +
find . \( -name '*.pyx' -o -name '*.pxd' -o -name '*.a' \) -type f -delete
rm -rf pyarrow/include pyarrow/src numpy/_core/include
# Arrow over the network; a wheel has no links, so it has some libraries three times
rm -f pyarrow/*flight* pyarrow/_pyarrow_cpp_tests*
for library in pyarrow/lib*.so.*.*.*; do
    for name in "${library%.*.*}" "${library%.so.*}.so"; do
        if cmp -s "$library" "$name"; then ln -sf "${library##*/}" "$name"; fi
    done
done
# of Amazon's services, only storage and signing in
if [ -d botocore/data ]; then
    find botocore/data -mindepth 1 -maxdepth 1 -type d \
        ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -rf {} +
fi
# nothing is installed into the image later
rm -rf pip pip-* setuptools setuptools-* pkg_resources _distutils_hack distutils-precedence.pth
rm -f "$1"/bin/pip*
# names of functions that only debuggers read, of the largest libraries that need nothing outside their package:
# those whose wheel was repaired by patchelf, such as numpy's, do not load any more after strip
find _polars_runtime_32 pyarrow cryptography -name '*.so*' -type f -exec strip --strip-unneeded {} +

missing_after=$(unresolved)
if [ "$missing_before" != "$missing_after" ]; then
    printf 'shrink.sh: libraries that others need are gone:\n%s\n' "$missing_after" >&2
    exit 1
fi
du -sm "$1"
