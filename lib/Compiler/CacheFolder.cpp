//===- CacheFolder.cpp - files that nobody else put there -----------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All is done by descriptors: what was checked is what is used.
//
//===----------------------------------------------------------------------===//

#include "et/Compiler/CacheFolder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

using namespace mlir::et;
using namespace llvm;
namespace fs = llvm::sys::fs;

/// Whether others may have written to what `status` is of.
static Error checkOwner(StringRef path, const struct stat &status) {
  if (status.st_uid != ::geteuid())
    return createFileError(path, createStringError("belongs to another user"));
  if (status.st_mode & (S_IWGRP | S_IWOTH))
    return createFileError(
        path, createStringError("may be written to by other users; chmod go-w "
                                "would forbid that"));
  return Error::success();
}

Expected<CacheFolder> CacheFolder::open(StringRef path) {
  // A separator at the end would have a link followed.
  while (path.size() > 1 && sys::path::is_separator(path.back()))
    path = path.drop_back();
  std::error_code made =
      fs::create_directories(path, /*IgnoreExisting=*/true, fs::owner_all);
  int folder = sys::RetryAfterSignal(-1, ::open, path.str().c_str(),
                                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
                                         O_CLOEXEC | O_NONBLOCK);
  if (folder == -1) {
    if (fs::is_symlink_file(path))
      return createFileError(
          path, createStringError("is a link; name the folder itself"));
    return createFileError(path, made ? made : errnoAsErrorCode());
  }
  CacheFolder result(path.str(), folder);
  struct stat status;
  if (::fstat(folder, &status) == -1)
    return createFileError(path, errnoAsErrorCode());
  if (Error error = checkOwner(path, status))
    return std::move(error);
  return std::move(result);
}

CacheFolder::CacheFolder(CacheFolder &&other)
    : path(std::move(other.path)), folder(std::exchange(other.folder, -1)) {}

CacheFolder::~CacheFolder() {
  if (folder != -1)
    ::close(folder);
}

Expected<std::unique_ptr<MemoryBuffer>>
CacheFolder::read(const std::string &name) const {
  std::string shown = path + "/" + name;
  int file =
      sys::RetryAfterSignal(-1, ::openat, folder, name.c_str(),
                            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file == -1) {
    if (errno == ENOENT)
      return nullptr;
    if (errno == ELOOP)
      return createFileError(shown, createStringError("is a link"));
    return createFileError(shown, errnoAsErrorCode());
  }
  scope_exit close([&] { ::close(file); });
  struct stat status;
  if (::fstat(file, &status) == -1)
    return createFileError(shown, errnoAsErrorCode());
  if (!S_ISREG(status.st_mode))
    return createFileError(shown, createStringError("is not a regular file"));
  if (Error error = checkOwner(shown, status))
    return std::move(error);
  // A file of nothing but a size would take this much memory.
  constexpr off_t mostBytes = off_t(1) << 30;
  if (status.st_size > mostBytes)
    return createFileError(shown, createStringError("is larger than 1 GiB"));
  // Also where reading does not note the time.
  const struct timespec now[] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  (void)::futimens(file, now);
  auto bytes = MemoryBuffer::getOpenFile(file, shown, status.st_size,
                                         /*RequiresNullTerminator=*/false);
  if (!bytes)
    return createFileError(shown, bytes.getError());
  return std::move(*bytes);
}

Error CacheFolder::write(const std::string &name, StringRef bytes) const {
  std::string shown = path + "/" + name;
  std::string temporary =
      name + "." +
      utohexstr(uint64_t(::getpid()) << 32 | sys::Process::GetRandomNumber(),
                /*LowerCase=*/true);
  int file = sys::RetryAfterSignal(
      -1, ::openat, folder, temporary.c_str(),
      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file == -1)
    return createFileError(shown, errnoAsErrorCode());
  scope_exit remove([&] { ::unlinkat(folder, temporary.c_str(), 0); });
  raw_fd_ostream os(file, /*shouldClose=*/true);
  os << bytes;
  os.close();
  std::error_code code = os.error();
  os.clear_error();
  if (code)
    return createFileError(shown, code);
  if (::renameat(folder, temporary.c_str(), folder, name.c_str()) == -1)
    return createFileError(shown, errnoAsErrorCode());
  remove.release();
  return Error::success();
}

namespace {
struct CacheFile {
  std::string name;
  time_t used;
  uint64_t bytes;
};
} // namespace

static std::vector<CacheFile> listFiles(int folder, StringRef prefix) {
  // Another description of the folder than the one that others go on using.
  int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = copy == -1 ? nullptr : ::fdopendir(copy);
  std::vector<CacheFile> files;
  if (!stream)
    return files;
  while (const struct dirent *entry = ::readdir(stream)) {
    struct stat status;
    if (StringRef(entry->d_name).starts_with(prefix) &&
        ::fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode))
      files.push_back({entry->d_name,
                       std::max(status.st_atime, status.st_mtime),
                       uint64_t(status.st_blocks) * 512});
  }
  ::closedir(stream);
  llvm::sort(files, [](const CacheFile &one, const CacheFile &other) {
    return one.used < other.used;
  });
  return files;
}

void CacheFolder::prune(StringRef prefix) const {
  std::vector<CacheFile> files = listFiles(folder, prefix);
  uint64_t total = 0, most = std::numeric_limits<uint64_t>::max();
  for (const CacheFile &file : files)
    total += file.bytes;
  struct statvfs space;
  if (::fstatvfs(folder, &space) == 0)
    most = (uint64_t(space.f_bavail) * space.f_frsize + total) / 4 * 3;
  constexpr time_t week = 7 * 24 * 60 * 60;
  time_t now = ::time(nullptr);
  for (const CacheFile &file : files) {
    if (now - file.used < week && total <= most)
      return;
    ::unlinkat(folder, file.name.c_str(), 0);
    total -= file.bytes;
  }
}
