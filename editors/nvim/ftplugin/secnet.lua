vim.bo.commentstring = "# %s"
vim.bo.comments = ":##,:#,://"
vim.bo.expandtab = true
vim.bo.shiftwidth = 2
vim.bo.softtabstop = 2
vim.opt_local.iskeyword = { "@", "48-57", "_" }
vim.b.undo_ftplugin = "setlocal commentstring< comments< expandtab< shiftwidth< softtabstop< iskeyword<"

require("secnet").start(vim.api.nvim_get_current_buf())
