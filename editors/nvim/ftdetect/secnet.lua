vim.filetype.add({ extension = { secnet = "secnet" } })
