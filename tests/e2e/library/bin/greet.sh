echo "hello $1 from the library"
