"""What layers are built on. A student reads `layer` first, then a layer of the folder above."""
