-- Starts `secnet lsp` for buffers of secnet. Needs Neovim 0.10 or newer, and no plugin.
--
-- vim.g.secnet may be a table: `path` of the program, `arguments` that follow `secnet lsp`, `lenses = false` to show none,
-- `format_on_save = true`.

local M = {}

local function settings()
  return vim.tbl_extend("keep", vim.g.secnet or {}, { path = "secnet", arguments = {}, lenses = true, format_on_save = false })
end

-- The directory of the repository, or the one of the file: the server finds the projects in it by itself.
local function root(buffer)
  local found = vim.fs.find(".git", { upward = true, path = vim.fs.dirname(vim.api.nvim_buf_get_name(buffer)) })[1]
  return found and vim.fs.dirname(found) or vim.fs.dirname(vim.api.nvim_buf_get_name(buffer))
end

local function attached(client, buffer)
  local chosen = settings()
  local group = vim.api.nvim_create_augroup("secnet_" .. buffer, { clear = true })
  if chosen.lenses and client.server_capabilities.codeLensProvider then
    local refresh = function() vim.lsp.codelens.refresh({ bufnr = buffer }) end
    vim.api.nvim_create_autocmd({ "BufEnter", "InsertLeave", "TextChanged", "DiagnosticChanged" }, {
      group = group,
      buffer = buffer,
      callback = refresh,
    })
    refresh()
  end
  if chosen.format_on_save then
    vim.api.nvim_create_autocmd("BufWritePre", {
      group = group,
      buffer = buffer,
      callback = function() vim.lsp.buf.format({ bufnr = buffer, id = client.id }) end,
    })
  end
end

--- Starts the server for a buffer, or attaches the one that serves its directory.
function M.start(buffer)
  local chosen = settings()
  if vim.fn.executable(chosen.path) ~= 1 then
    vim.notify_once("secnet: there is no program `" .. chosen.path .. "`; say where it is with vim.g.secnet = { path = ... }", vim.log.levels.WARN)
    return
  end
  local command = { chosen.path, "lsp" }
  vim.list_extend(command, chosen.arguments)
  return vim.lsp.start({ name = "secnet", cmd = command, root_dir = root(buffer), on_attach = attached }, { bufnr = buffer })
end

return M
