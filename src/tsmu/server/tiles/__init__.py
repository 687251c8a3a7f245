"""What a map tile shows: outlines of landslides, and pictures of scenes."""
