-- What neovim.py has Neovim do: as a user's init.lua would be, and then a script.

vim.opt.runtimepath:prepend(vim.env.SECNET_PLUGIN)
vim.g.secnet = { path = vim.env.SECNET_PROGRAM }
vim.cmd("filetype plugin indent on")
vim.cmd("syntax on")

local function fail(what)
  io.stderr:write(what .. "\n")
  vim.cmd("cquit 1")
end

-- Until something holds; the editor goes on meanwhile.
local function wait(what, holds)
  if not vim.wait(20000, holds, 20) then
    fail("waited in vain for " .. what)
  end
end

local function diagnostics()
  return vim.tbl_map(function(d)
    local line = vim.api.nvim_buf_get_lines(0, d.lnum, d.lnum + 1, true)[1]
    return { code = d.code, line = d.lnum + 1, text = line:sub(d.col + 1, d.end_col), message = d.message }
  end, vim.diagnostic.get(0))
end

-- What a word of a line looks like in a buffer of secnet's.
local COLOURS = {
  { "existing subnet first {", "existing", "secnetStatement" },
  { "existing subnet first {", "subnet", "secnetType" },
  { "existing subnet first {", "first", "secnetName" },
  { "policy private {", "policy", "secnetStatement" },
  { "subnet a for i, az in azs {", "for", "secnetControl" },
  { "subnet a for i, az in azs {", "in", "secnetControl" },
  { "  in 100 allow tcp/22 from x", "in", "secnetHead" },
  { "  in 100 allow tcp/22 from x", "allow", "secnetJoint" },
  { "  in 100 allow tcp/22 from x", "tcp/22", "secnetService" },
  { "  in 100 allow tcp/22 from x", "100", "secnetNumber" },
  { "  egress all to anywhere", "anywhere", "secnetValue" },
  { "  route = 1", "route", "secnetAttribute" },
  { "  cidr_block = 10.0.0.0/16", "10.0.0.0", "secnetNetwork" },
  { "  cidr_block = 2001:db8::/32", "2001", "secnetNetwork" },
  { "  vpc = vpc.main", "vpc.", "secnetType" },
  { "  image = ami(\"x\")", "ami", "secnetFunction" },
  { "  image = ami(\"x\")", "x", "secnetString" },
  { "  text = \"a ${b(1)} c\"", "b(", "secnetFunction" },
  { "  text = \"a ${b} c\"", "c", "secnetString" },
  { "  a = true # if", "true", "secnetConstant" },
  { "  a = true # if", "if", "secnetComment" },
}

local function colours()
  local wrong = {}
  vim.cmd("new")
  vim.bo.buftype = "nofile"
  vim.bo.syntax = "secnet"
  for _, case in ipairs(COLOURS) do
    local line, word, wanted = unpack(case)
    vim.api.nvim_buf_set_lines(0, 0, -1, true, { line })
    local at = assert(line:find(word, 1, true))
    -- The last of them, where a word stands twice.
    while line:find(word, at + 1, true) do
      at = line:find(word, at + 1, true)
    end
    local group
    -- All of the line, since the editor goes on from where it was last asked.
    for column = 1, at do
      group = vim.fn.synIDattr(vim.fn.synID(1, column, 1), "name")
    end
    if group ~= wanted then
      table.insert(wrong, ("`%s` in `%s` is %s, not %s"):format(word, line, group, wanted))
    end
  end
  vim.cmd("bwipeout!")
  return wrong
end

local function run()
  local said = { filetype = vim.bo.filetype }
  wait("the server", function() return #vim.lsp.get_clients({ bufnr = 0 }) > 0 end)
  said.clients = vim.tbl_map(function(c) return c.name end, vim.lsp.get_clients({ bufnr = 0 }))
  wait("what is wrong", function() return #vim.diagnostic.get(0) > 0 end)
  said.before = diagnostics()
  said.colour = vim.fn.synIDattr(vim.fn.synID(vim.fn.search("^vpc main"), 1, 1), "name")

  local first = vim.diagnostic.get(0)[1]
  vim.api.nvim_win_set_cursor(0, { first.lnum + 1, first.col })
  said.fixes = {}
  vim.lsp.buf.code_action({
    filter = function(action)
      table.insert(said.fixes, action.title)
      return #said.fixes == 1
    end,
    apply = true,
  })
  wait("the fix", function() return #vim.diagnostic.get(0) == 0 end)
  said.after = diagnostics()

  said.lenses = vim.empty_dict()
  wait("lenses", function()
    vim.lsp.codelens.refresh({ bufnr = 0 })
    vim.wait(100)
    said.lenses = vim.tbl_map(function(lens) return lens.command and lens.command.title or "" end, vim.lsp.codelens.get(0))
    return #said.lenses > 0
  end)
  said.miscoloured = vim.empty_dict()
  for i, one in ipairs(colours()) do
    said.miscoloured[tostring(i)] = one
  end
  vim.cmd("silent write")
  vim.fn.writefile({ vim.json.encode(said) }, vim.env.SECNET_SAID)
  vim.cmd("qall!")
end

vim.api.nvim_create_autocmd("VimEnter", {
  callback = function()
    vim.schedule(function()
      local fine, why = pcall(run)
      if not fine then
        fail(tostring(why))
      end
    end)
  end,
})
