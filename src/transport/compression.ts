/** How record batches can be compressed on their way to the broker and on its disk. */
export type Compression = 'gzip' | 'snappy' | 'lz4' | 'zstd'
