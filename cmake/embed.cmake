# Run by tern_embed(): FROM's bytes as the C array NAME in TO.
file(READ "${FROM}" bytes HEX)
string(LENGTH "${bytes}" n)
math(EXPR n "${n} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE "${TO}" "#include <stddef.h>\n\nextern const unsigned char ${NAME}[];\nextern const size_t ${NAME}_n;\n\n"
	"const unsigned char ${NAME}[] = {\n${bytes}0 };\nconst size_t ${NAME}_n = ${n};\n")
