module example.org/image-store-batch

go 1.19
