/* Pictures into files: what lab and trace share. */
#ifndef TOOL_PICTURE_FILE_H
#define TOOL_PICTURE_FILE_H

#include "watch/ladder_svg.h"

/* The ladder as SVG. TOOL_OK, or what was said: "tern: lab: --svg: cannot write ...". */
int picture_file_svg(const char *command, const char *path, const struct timeline *timeline,
		     const struct ladder_svg_options *options);

#endif
